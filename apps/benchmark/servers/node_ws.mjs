// The peer "node-ws": Node's usual WebSocket server. `node node_ws.mjs PORT`
import { createServer } from "node:http";
import { WebSocket, WebSocketServer } from "ws";
import { publish, readJson } from "./timer.mjs";

const server = createServer(async (request, response) => {
  response.end();
  publish(await readJson(request), (event) => {
    // Encoded once and shared, as the documentation of ws shows for a broadcast.
    const data = Buffer.from(event);
    for (const client of sockets.clients) {
      if (client.readyState === WebSocket.OPEN) client.send(data, { binary: false });
    }
  });
});
const sockets = new WebSocketServer({ server, path: "/ws" });
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 4096 });
