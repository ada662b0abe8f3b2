"""What apps/server leans on in daphne, Twisted and autobahn, pinned by a fingerprint of its source.

None of it is promised by those projects. When a new version changes something here, read the change, see whether the
class named beside it in apps/server still does what it says, and write down the new fingerprint.
"""

import hashlib
import importlib.metadata
import inspect
import pkgutil

import pytest

_READ_IN = {"daphne": "4.2.3", "twisted": "26.10.0", "autobahn": "26.10.2"}

_FINGERPRINTS = {
    # Server
    "daphne.server.Server.__init__": "e090af1e2673",
    "daphne.server.Server.run": "447c6bd42c62",
    "daphne.server.Server.listen_success": "0aa2ef7d7138",
    "daphne.server.Server.listen_error": "4fd283e70baf",
    "daphne.server.Server.stop": "1e432003865b",
    "daphne.server.Server.protocol_connected": "3fe5af10e11e",
    "daphne.server.Server.protocol_disconnected": "c1f5fe8cdedc",
    "daphne.server.Server.create_application": "f1e300b4ecf6",
    "daphne.server.Server.handle_reply": "9d9dbaea6de0",
    "daphne.server.Server.application_checker": "ccb688341a7d",
    "daphne.server.Server.kill_all_applications": "4e1618c6f787",
    "daphne.server.Server.timeout_checker": "6b70373a3a77",
    "daphne.cli.CommandLineInterface.run": "039cb21244f4",
    "daphne.management.commands.runserver.Command.inner_run": "20342ad7c9e0",
    # adapter.Channel, adapter.Request
    "daphne.http_protocol.HTTPFactory.buildProtocol": "35e878a6e0e4",
    "daphne.http_protocol.WebRequest.__init__": "ec85d9f2a762",
    "daphne.http_protocol.WebRequest.process": "e9babd1c97ce",
    "daphne.http_protocol.WebRequest.connectionLost": "9276daf58071",
    "daphne.http_protocol.WebRequest.finish": "7e03ef03e35b",
    "daphne.http_protocol.WebRequest.handle_reply": "3e14b239c260",
    "daphne.http_protocol.WebRequest.handle_exception": "e6ae4e5c7fdb",
    "daphne.http_protocol.WebRequest.basic_error": "a30bd3065c84",
    "twisted.web.http.HTTPFactory.buildProtocol": "d08b3853c627",
    "twisted.web.http.HTTPFactory.log": "e9acff05b9a5",
    "twisted.web.http.HTTPChannel.connectionMade": "95b71a1bc3ab",
    "twisted.web.http.HTTPChannel.dataReceived": "152316e9ce50",
    "twisted.web.http.HTTPChannel.lineReceived": "b77ec6f21116",
    "twisted.web.http.HTTPChannel.rawDataReceived": "e31f4ed81196",
    "twisted.web.http.HTTPChannel.allHeadersReceived": "979a9a8410f4",
    "twisted.web.http.HTTPChannel.allContentReceived": "9f7c99069687",
    "twisted.web.http.HTTPChannel.requestDone": "a75a186c66f7",
    "twisted.web.http.HTTPChannel.pauseProducing": "8fe306cf284b",
    "twisted.web.http.HTTPChannel.resumeProducing": "561ac237d346",
    "twisted.web.http.HTTPChannel.stopProducing": "4a69f745d638",
    "twisted.web.http.HTTPChannel.loseConnection": "ad10d919b228",
    "twisted.web.http.HTTPChannel.forceAbortClient": "12a9682069a8",
    "twisted.web.http.HTTPChannel.connectionLost": "d0850abf8e2e",
    "twisted.web.http.toChunk": "f326a3bed37a",
    "twisted.web.http.Request.__init__": "2d3f7dbd28d0",
    "twisted.web.http.Request.handleContentChunk": "6e942756afb7",
    "twisted.web.http.Request.requestReceived": "99ca6c5e2430",
    "twisted.web.http.Request.write": "0e547d4f76bd",
    "twisted.web.http.Request.finish": "4590c5f7e220",
    "twisted.web.http.Request._cleanup": "3e4358e4df9c",
    "twisted.web.http.Request.connectionLost": "e874acaf9f19",
    # adapter.Transport and its kin, flow
    "twisted.internet.abstract._ConsumerMixin.registerProducer": "7d7ad4f91234",
    "twisted.internet.abstract._ConsumerMixin.unregisterProducer": "5f09066c8d7f",
    "twisted.internet.abstract.FileDescriptor.write": "3e46c97fc173",
    "twisted.internet.abstract.FileDescriptor.writeSequence": "1606f230d318",
    "twisted.internet.abstract.FileDescriptor.startWriting": "8e2f899b7d73",
    "twisted.internet.abstract.FileDescriptor.doWrite": "a986d7b1b105",
    "twisted.internet.abstract.FileDescriptor._maybePauseProducer": "529bd8438e1a",
    "twisted.internet.abstract.FileDescriptor.loseConnection": "e13b8468f052",
    "twisted.internet.abstract.FileDescriptor.connectionLost": "1e0b14c7c3f9",
    "twisted.internet.abstract.FileDescriptor.pauseProducing": "545b27fa128a",
    "twisted.internet.abstract.FileDescriptor.resumeProducing": "c077ca68e2ce",
    "twisted.internet.tcp.Connection.writeSomeData": "2dd0d4209260",
    "twisted.internet.tcp.Connection.abortConnection": "c948f3ef21c1",
    "twisted.internet.tcp.Server.__init__": "fbf83f6f693d",
    "twisted.internet.tcp.Port.doRead": "d240fc123090",
    "twisted.internet.tcp.Port.loseConnection": "396020a5d3d9",
    "twisted.internet.unix.Server.__init__": "45c33489a026",
    "twisted.internet.asyncioreactor.AsyncioSelectorReactor.getReaders": "f6e00df9ef8d",
    "twisted.internet.asyncioreactor.AsyncioSelectorReactor.getWriters": "7eb643b2322f",
    # adapter.WebSocket
    "daphne.ws_protocol.WebSocketFactory.buildProtocol": "5e5efc107378",
    "daphne.ws_protocol.WebSocketProtocol.onConnect": "b1ce2efc1874",
    "daphne.ws_protocol.WebSocketProtocol.onOpen": "6be066589e00",
    "daphne.ws_protocol.WebSocketProtocol.onMessage": "826cc86d0e2a",
    "daphne.ws_protocol.WebSocketProtocol.onClose": "4d3b4d7c66af",
    "daphne.ws_protocol.WebSocketProtocol.handle_reply": "5331423b1cf2",
    "daphne.ws_protocol.WebSocketProtocol.handle_exception": "ef9a411cd65c",
    "daphne.ws_protocol.WebSocketProtocol.serverAccept": "4bea65da9026",
    "daphne.ws_protocol.WebSocketProtocol.serverReject": "7166e95b99f2",
    "daphne.ws_protocol.WebSocketProtocol.serverClose": "8302150efac6",
    "daphne.ws_protocol.WebSocketProtocol.check_timeouts": "0e2ee6816a93",
    "autobahn.util.hltype": "7db6418e1bc5",
    "autobahn.util.hlval": "c6a73ec8e666",
    "autobahn.websocket.protocol.WebSocketProtocol._connectionMade": "7ac58d8bb6c3",
    "autobahn.websocket.protocol.WebSocketProtocol.sendData": "5dcca425b048",
    "autobahn.twisted.websocket.WebSocketAdapterProtocol.connectionMade": "63ceb64088e4",
    "autobahn.websocket.protocol.WebSocketProtocol.onMessageFrameBegin": "68c4eae4de95",
    "autobahn.websocket.protocol.WebSocketProtocol.onMessageEnd": "efff2a43ca85",
    "autobahn.websocket.protocol.WebSocketProtocol.onCloseFrame": "300e8c7c23b8",
    "autobahn.websocket.protocol.WebSocketProtocol.onAutoPingTimeout": "5de3ae0af03e",
    "autobahn.websocket.protocol.WebSocketProtocol.dropConnection": "149c74c9a251",
    "autobahn.websocket.protocol.WebSocketProtocol._max_message_size_exceeded": "6b5977afbff9",
    "autobahn.websocket.protocol.WebSocketProtocol._fail_connection": "00c349e066d6",
    "autobahn.websocket.protocol.WebSocketProtocol._connectionLost": "8d53cb80c1e9",
    "autobahn.websocket.protocol.WebSocketProtocol.consumeData": "aaa88196e762",
    "autobahn.websocket.protocol.WebSocketProtocol.processData": "25b9c1387a46",
    "autobahn.websocket.protocol.WebSocketProtocol.sendFrame": "89cc8b024c41",
    "autobahn.websocket.protocol.WebSocketProtocol.sendCloseFrame": "a511406d6b0d",
    "autobahn.websocket.protocol.WebSocketProtocol.sendClose": "6ccfd325e627",
    "autobahn.websocket.protocol.WebSocketServerProtocol.processHandshake": "0055f4d34993",
    "autobahn.websocket.protocol.WebSocketServerProtocol.succeedHandshake": "fb43d387929c",
    "autobahn.websocket.protocol.WebSocketServerFactory.setProtocolOptions": "59adf65f9d31",
}


@pytest.mark.parametrize("name", _FINGERPRINTS)
def test_what_the_server_leans_on_is_what_was_read(name: str) -> None:
    package = name.partition(".")[0]
    source = inspect.getsource(inspect.unwrap(pkgutil.resolve_name(name)))
    found = hashlib.sha256(source.encode()).hexdigest()[:12]
    assert found == _FINGERPRINTS[name], (
        f"{name} differs between {package} {_READ_IN[package]}, which apps/server was written for, and "
        f"{importlib.metadata.version(package)}, which is installed. Read the change; if apps/server still does what "
        f"it says, put the fingerprint {found} here."
    )


def test_versions_that_were_read_are_the_ones_installed() -> None:
    installed = {package: importlib.metadata.version(package) for package in _READ_IN}
    assert installed == _READ_IN, "Run the tests of apps/server with these versions, then note them here."
