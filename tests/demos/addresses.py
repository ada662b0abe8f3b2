"""The addresses of all pages."""

TRANSPORT_PAGES = {
    "short_poll": "/demos/short-poll/",
    "long_poll": "/demos/long-poll/",
    "sse": "/demos/sse/",
    "fetch_stream": "/demos/fetch-stream/",
    "websocket": "/demos/websocket/",
}
# Those that anybody may see.
ACCOUNT_PAGES = ("/account/sign-in/", "/account/reset/", "/account/reset/sent/")
OTHER_PAGES = (
    "/",
    "/guide/",
    "/demos/chat/",
    "/demos/typewriter/",
    "/demos/article/",
    "/lab/",
    "/benchmark/",
    "/api/problems/",
    *ACCOUNT_PAGES,
)
PAGES = (*OTHER_PAGES, *TRANSPORT_PAGES.values())
