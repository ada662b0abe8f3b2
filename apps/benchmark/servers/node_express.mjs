// The peer "node-express": SSE, long polling and short polling with express, as the article does them.
// `node node_express.mjs PORT`
import express from "express";
import { publish, readJson } from "./timer.mjs";

const streams = new Set();
let waiting = [];
let cursor = 0;

const app = express();

app.get("/sse", (request, response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache", Connection: "keep-alive" });
  response.write(": connected\n\n");
  streams.add(response);
  request.on("close", () => streams.delete(response));
});

app.get("/long-poll", (_request, response) => waiting.push(response));

app.get("/poll", (_request, response) => response.json({ events: [], cursor, reset: null, more: false }));

app.post("/publish", async (request, response) => {
  response.end();
  publish(await readJson(request), (event, number) => {
    cursor = number;
    const chunk = Buffer.from(`id: ${number}\ndata: ${event}\n\n`);
    for (const stream of streams) stream.write(chunk);
    const answers = waiting;
    waiting = [];
    const batch = { events: [JSON.parse(event)], cursor, reset: null, more: false };
    for (const answer of answers) answer.json(batch);
  });
});

app.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 4096 });
