"""What daphne serves: `daphne realtime_site.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime_site.settings")

# Before the imports below: they need the models loaded.
pages = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from apps.access.cross_origin import CrossOrigin  # noqa: E402
from apps.access.identified import Identified  # noqa: E402
from apps.access.origin import SameOriginWebSockets  # noqa: E402
from apps.chat import routing as chat  # noqa: E402
from apps.lab import routing as lab  # noqa: E402
from apps.lab.line import Line  # noqa: E402
from apps.operations.lifespan import lifespan  # noqa: E402
from apps.transports import nowhere  # noqa: E402
from apps.transports import routing as transports  # noqa: E402
from apps.transports.admission import AdmittedByAddress, AdmittedByUser  # noqa: E402
from apps.transports.lean_handler import LeanHandler  # noqa: E402
from realtime_site.http_routing import by_prefix  # noqa: E402

lean = LeanHandler()


def admitted(application):
    """Serve who comes not too often, and say who it is."""
    return AdmittedByAddress(Identified(AdmittedByUser(application)))


application = ProtocolTypeRouter(
    {
        "lifespan": lifespan,
        "http": by_prefix(
            {
                # Answers that stay open, see docs/decisions/0003. Who is asking matters to the feed only.
                "/feed/": CrossOrigin(admitted(lean)),
                "/admin/live/stream": admitted(lean),
                "/lab/line/": admitted(Line(lean)),
                **dict.fromkeys(
                    ("/api/status", "/api/long-poll", "/events", "/assistant/answer", "/lab/clock", "/lab/runs"),
                    AdmittedByAddress(lean),
                ),
                "/api/": CrossOrigin(pages),
                # Asked for by probes, under any host name.
                **dict.fromkeys(("/healthz", "/readyz", "/metrics"), LeanHandler(any_host=True)),
            },
            otherwise=pages,
        ),
        "websocket": SameOriginWebSockets(
            admitted(
                URLRouter(
                    [
                        *transports.websocket_urlpatterns,
                        *chat.websocket_urlpatterns,
                        *lab.websocket_urlpatterns,
                        *nowhere.websocket_urlpatterns,
                    ]
                )
            )
        ),
    }
)
