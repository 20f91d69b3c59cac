"""A service of opentelemetry-python: called by us, and calling us in turn."""

import json
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

from opentelemetry import baggage, context, propagate
from opentelemetry.sdk.trace import TracerProvider

tracer = TracerProvider().get_tracer("peer")


class Peer(BaseHTTPRequestHandler):
    def do_GET(self):
        around = propagate.extract(dict(self.headers.items()))
        with tracer.start_as_current_span("peer", context=around) as span:
            inside = baggage.set_baggage("from", "python, ü", context=context.get_current())
            inside = baggage.set_baggage("tenant", baggage.get_baggage("tenant", around), inside)
            headers = {}
            propagate.inject(headers, context=inside)
            url = self.headers["x-call"]
            answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers))
            seen = {
                "trace": format(span.get_span_context().trace_id, "032x"),
                "span": format(span.get_span_context().span_id, "016x"),
                "parent": format(span.parent.span_id, "016x"),
                "sampled": span.get_span_context().trace_flags.sampled,
                "state": span.get_span_context().trace_state.to_header(),
                "baggage": dict(baggage.get_all(around)),
                "answer": answer.read().decode(),
            }
        body = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Peer)
print(server.server_port, flush=True)
sys.stdin.close()
server.serve_forever()
