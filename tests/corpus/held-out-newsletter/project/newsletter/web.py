from http.server import BaseHTTPRequestHandler

from newsletter.tasks import send_all


class Handler(BaseHTTPRequestHandler):
    status = "idle"

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        send_all.delay(self.headers.get("X-List").split(","), self.rfile.read(length).decode())
        self.status = "sent"
        self.send_response(202 if self.status == "sent" else 500)
        self.end_headers()
