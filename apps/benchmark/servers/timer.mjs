// Publishes at a given rate; the Node peers' twin of timer.py.

/**
 * @param {{ first: number, events: number, rate_per_s: number, size_bytes: number }} order
 * @param {(event: string, number: number) => void} send gets each event as JSON text
 */
export function publish({ first, events, rate_per_s, size_bytes }, send) {
  const began = process.hrtime.bigint() + 10_000_000n;
  let next = 0;
  const tick = () => {
    if (next === events) return;
    // When it was meant to be published: an event that a busy server publishes late is late.
    const due = began + BigInt(Math.round((next * 1e9) / rate_per_s));
    const ahead = due - process.hrtime.bigint();
    if (ahead > 0n) {
      setTimeout(tick, Math.ceil(Number(ahead) / 1e6));
      return;
    }
    const head = `{"n":${first + next},"t":${due},"padding":"`;
    send(`${head}${"x".repeat(Math.max(0, size_bytes - head.length - 2))}"}`, first + next);
    next += 1;
    // Each event in a turn of its own, as they come from a socket: several in one would leave Node in one write.
    setImmediate(tick);
  };
  tick();
}

/** @param {import("node:http").IncomingMessage} request */
export async function readJson(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}
