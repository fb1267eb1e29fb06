// Requests in lines of JSON on standard input, what was seen in lines of JSON on standard output.
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import http2 from "node:http2";
import readline from "node:readline";

const ca = fs.readFileSync(process.argv[2]);

function collected(stream, seen, done) {
  const pieces = [];
  stream.on("data", piece => pieces.push(piece));
  stream.on("end", () => {
    const body = Buffer.concat(pieces);
    done({ ...seen(), length: body.length, body: body.subarray(0, 65536).toString("base64") });
  });
}

function first(ask, done) {
  const url = new URL(ask.origin + ask.path);
  const library = url.protocol === "https:" ? https : http;
  const request = library.request(url, { method: ask.method, headers: ask.fields, ca, agent: false }, answer => {
    collected(answer, () => ({
      version: answer.httpVersionMajor, status: answer.statusCode, fields: answer.headers, trailers: answer.trailers,
    }), done);
  });
  request.on("error", error => done({ error: String(error) }));
  request.end(ask.body === null ? undefined : Buffer.from(ask.body, "base64"));
}

function second(ask, done) {
  const session = http2.connect(ask.origin, { ca });
  const finish = seen => { done(seen); session.destroy(); };
  session.on("error", error => finish({ error: String(error) }));
  const head = { ":method": ask.method, ":path": ask.path, ...ask.fields };
  const begin = () => {
    const stream = session.request(head, { endStream: ask.body === null && !ask.protocol });
    let fields = {}, trailers = {};
    stream.on("response", received => { fields = { ...received }; });
    stream.on("trailers", received => { trailers = { ...received }; });
    stream.on("error", error => finish({ error: String(error) }));
    collected(stream, () => ({ version: 2, status: fields[":status"], fields, trailers }), finish);
    if (ask.protocol) speak(stream, ask);
    else if (ask.body !== null) stream.end(Buffer.from(ask.body, "base64"));
  };
  if (!ask.protocol) return begin();
  head[":protocol"] = ask.protocol;
  session.on("remoteSettings", settings => {
    if (settings.enableConnectProtocol) begin(); else finish({ error: "no extended CONNECT" });
  });
}

// One masked text frame; a close frame when its echo has come.
function speak(stream, ask) {
  const text = Buffer.from(ask.text), mask = Buffer.from([1, 2, 3, 4]);
  const masked = Buffer.from(text.map((octet, at) => octet ^ mask[at % 4]));
  stream.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length]), mask, masked]));
  stream.once("data", () => stream.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8])));
}

readline.createInterface({ input: process.stdin }).on("line", line => {
  const ask = JSON.parse(line);
  (ask.version === 2 ? second : first)(ask, seen => process.stdout.write(JSON.stringify({ id: ask.id, ...seen }) + "\n"));
});
