// Runs a page's script in Node: `node run_in_node.mjs SCRIPT ORIGIN`. What a page has and Node lacks is added here: an
// address that relative URLs belong to, a cookie jar, and EventSource (the one from npm).
import { readFile } from 'node:fs/promises';
import vm from 'node:vm';
import { EventSource } from 'eventsource';

const [script, origin] = process.argv.slice(2);
const cookies = new Map();

const fetchInNode = globalThis.fetch;
globalThis.fetch = async (url, options = {}) => {
  const headers = { ...options.headers, cookie: [...cookies].map((pair) => pair.join('=')).join('; ') };
  const response = await fetchInNode(new URL(url, origin), { ...options, headers });
  for (const cookie of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
    cookies.set(name, value);
  }
  return response;
};

globalThis.EventSource = class extends EventSource {
  constructor(url, options) {
    super(new URL(url, origin), options);
  }
};

const source = await readFile(script, 'utf8');
vm.runInThisContext(source.replaceAll('localhost:8000', new URL(origin).host), { filename: script });
