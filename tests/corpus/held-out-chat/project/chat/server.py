from __future__ import annotations

import asyncio

from websockets.asyncio.server import ServerConnection, serve

from chat.jobs import moderate, post


async def talk(socket: ServerConnection) -> None:
    queue: asyncio.Queue[str] = asyncio.Queue()
    async for message in socket:
        await queue.put(message)
        text = await queue.get()
        allowed = moderate.delay(text).get()
        if allowed:
            post(text, "lobby")
            await socket.send(" ".join(["ok", text]))


async def main() -> None:
    async with serve(talk, "0.0.0.0", 8765) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
