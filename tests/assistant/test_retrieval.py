"""Questions as people ask them, and the sections that answer them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.assistant import guide, terms
from apps.assistant.retrieval import MAX_TERMS, SectionIndex

INDEX = {language: SectionIndex(guide.sections(language)) for language in ("en", "zh-hans")}

ENGLISH = """
choosing: Which one should I use? | Which transport is best for notifications? | a dashboard for stock prices
short-poll: What is short polling? | How often should I poll? | What is an ETag for?
long-poll: How does long polling work? | how long does a long poll wait?
sse: What is SSE? | What are server-sent events? | can EventSource send custom headers? | what does 204 do
fetch-stream: How do I stop a streaming answer? | How does ChatGPT type its answer? | what is NDJSON
websocket: What is a WebSocket? | does it work with binary data | why not just use websockets for everything?
sse-or-websocket: SSE vs WebSocket | What is the difference between SSE and WebSocket? | is websocket faster than sse
one-way: Is SSE bidirectional? | Can the browser send data over SSE?
websocket-begins-as-http: Does a WebSocket start as HTTP? | How does the WebSocket handshake work?
reconnecting: What happens when the connection drops? | How do I reconnect without losing events? | my phone lost wifi
ordering: What is a cursor? | Are events delivered in order? | do messages arrive exactly once?
heartbeats: Why do I need a heartbeat? | How do I detect a dead connection?
proxies: Why do my events arrive all at once behind nginx? | cloudflare 100 seconds timeout
six-connections: seventh tab hangs | How many connections can a browser open? | is http2 enough for many tabs
back-pressure: What about a slow client? | backpressure
scaling: How do I scale to many users? | Do I need Redis? | Do I need sticky sessions? | what is a channel layer
security: Is it secure? | How do I authenticate a WebSocket? | should I put the token in the URL?
"""

CHINESE = """
choosing: 我该用哪一种？ | 怎么选择传输方式？ | 做通知用哪个合适 | 股票行情用哪种
short-poll: 短轮询是什么
long-poll: 什么是长轮询？ | 长轮询等多久
sse: SSE是什么？ | EventSource 怎么用 | 服务器推送怎么实现
fetch-stream: 什么是 fetch 流？ | 怎样像 ChatGPT 那样逐字显示？ | 怎么中止流式回答 | 能不能带请求头
websocket: WebSocket是什么？
sse-or-websocket: SSE 和 WebSocket 有什么区别？ | SSE 还是 WebSocket | WebSocket 比 SSE 快吗
one-way: SSE 是双向的吗
websocket-begins-as-http: WebSocket 和 HTTP 有什么关系 | WebSocket 握手的过程
reconnecting: 断线以后会丢消息吗？ | 怎么重连？ | 手机断网了会怎样
ordering: 游标是什么 | 事件的顺序有保证吗 | 消息会重复吗
heartbeats: 为什么需要心跳？ | 怎么发现死连接
proxies: 为什么在 nginx 后面事件一起到达？ | 代理缓冲怎么办
six-connections: 第七个标签页为什么打不开？ | 浏览器最多能开几个连接 | 多个标签页怎么共用一个连接
back-pressure: 客户端太慢怎么办 | 什么是背压
scaling: 怎么支持大量用户？ | 需要 Redis 吗
security: 怎么保证安全？ | 如何防止跨站劫持 | 令牌能放在网址里吗
"""

OUTSIDE = {
    "en": """
What is the capital of France? | What's the weather today? | How long should bread rise? | What time is it? | hello
What is the best pizza in town? | Who are you? | How do I log in to my bank? | Tell me a joke | How do I bake cookies?
Write a poem about the sea | How do I install Django? | Translate this into German | 2+2 | asdfghjkl | ??? | 🙂
""",
    "zh-hans": """
法国的首都是哪里？ | 今天天气怎么样 | 讲个笑话 | 你是谁？ | 你好 | 如何在服务器上安装打印机 | 红烧肉怎么做 | 现在几点了
推荐一部电影 | 写一首关于大海的诗 | 北京有什么好玩的 | 帮我写代码 | 。。。
""",
}


def _asked(table: str, language: str) -> list[tuple[str, str, str]]:
    rows = [line.split(": ", 1) for line in table.strip().splitlines()]
    return [(language, question.strip(), anchor) for anchor, questions in rows for question in questions.split(" | ")]


def _outside() -> list[tuple[str, str]]:
    return [
        (language, question.strip())
        for language, table in OUTSIDE.items()
        for line in table.strip().splitlines()
        for question in line.split(" | ")
    ]


@pytest.mark.parametrize(("language", "question", "anchor"), _asked(ENGLISH, "en") + _asked(CHINESE, "zh-hans"))
def test_question_finds_the_section_that_answers_it(language, question, anchor):
    assert [section.anchor for section in INDEX[language].search(question)][:1] == [anchor]


@pytest.mark.parametrize(("language", "question"), _outside())
def test_question_about_something_else_finds_nothing(language, question):
    assert INDEX[language].search(question) == []


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_section_is_found_by_its_own_title(language):
    for section in guide.sections(language):
        assert INDEX[language].search(section.title)[0] == section


@given(st.text(max_size=2_000), st.sampled_from(["en", "zh-hans"]))
def test_any_text_is_searched_without_an_error(question, language):
    assert len(INDEX[language].search(question)) <= 3


@given(st.text(alphabet='sse websocket"*():^-+{}NEAR AND OR NOT title:', max_size=200))
def test_operators_of_the_search_language_are_only_words(question):
    assert len(INDEX["en"].search(question)) <= 3


@given(st.text(alphabet="代理缓冲的连接心跳abc ", max_size=2_000))
def test_question_never_asks_for_more_terms_than_the_limit(question):
    parts = terms.asked(question, MAX_TERMS)
    assert sum(len(part.terms) for part in parts) <= MAX_TERMS
    assert len(set(parts)) == len(parts)


def test_long_run_of_chinese_is_cut_and_still_asks_for_its_beginning():
    (part,) = terms.asked("代理缓冲" * 500, MAX_TERMS)
    assert part.terms[0] == "代理"


def test_pair_that_straddles_two_words_does_not_count_as_missing():
    (part,) = terms.asked("大量用户", MAX_TERMS)
    assert part.covered({"大量", "用户"}) == part.size == 4
    assert part.covered({"大量"}) == 2
    assert part.covered(set()) == 0
