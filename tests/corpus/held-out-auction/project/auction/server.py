import asyncio

from aiohttp import web

from auction.bids import close
from auction.worker import app as tasks

routes = web.RouteTableDef()


@routes.post("/close")
async def start(request: web.Request) -> web.Response:
    bids = await request.json()
    job = await asyncio.get_running_loop().run_in_executor(None, close.delay, bids)
    return web.json_response({"job": job.id})


@routes.get("/close/{job}")
async def closed(request: web.Request) -> web.Response:
    job = tasks.AsyncResult(request.match_info.get("job"))
    return web.json_response({"state": await asyncio.to_thread(lambda: job.state)})


def make() -> web.Application:
    application = web.Application()
    application.add_routes(routes)
    return application
