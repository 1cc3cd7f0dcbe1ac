// A mail server on loopback that speaks SMTP (RFC 5321) and keeps what it is given. Out: its address, and mails by receiver.
import { createServer } from "node:net";
import { until } from "./app.js";

/** What one says to each word of a client, apart from the mail itself. */
const ANSWERS = { EHLO: "250 sink", HELO: "250 sink", QUIT: "221 bye" };

function talk(socket, mails) {
  let buffer = "";
  let mail;
  let inBody = false;
  const say = (line) => socket.write(`${line}\r\n`);
  const hear = (line) => {
    if (inBody) {
      if (line !== ".") {
        mail.raw += `${line.startsWith(".") ? line.slice(1) : line}\r\n`;
        return;
      }
      inBody = false;
      mails.push(mail);
      say("250 kept");
      return;
    }
    const word = line.slice(0, 4).toUpperCase();
    const address = /<([^>]*)>/.exec(line)?.[1] ?? "";
    if (word === "MAIL") mail = { from: address, to: [], raw: "" };
    if (word === "RCPT") mail.to.push(address);
    inBody = word === "DATA";
    say(inBody ? "354 go on" : (ANSWERS[word] ?? "250 ok"));
    if (word === "QUIT") socket.end();
  };
  say("220 sink");
  socket.on("error", () => undefined);
  socket.on("data", (data) => {
    buffer += data.toString("latin1");
    const lines = buffer.split("\r\n");
    buffer = lines.pop();
    for (const line of lines) hear(line);
  });
}

function decode(part) {
  const [head, ...rest] = part.split("\r\n\r\n");
  const body = rest.join("\r\n\r\n");
  if (/quoted-printable/i.test(head)) {
    const bytes = body
      .replace(/=\r\n/g, "")
      .replace(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
    return Buffer.from(bytes, "latin1").toString("utf8");
  }
  if (/base64/i.test(head)) return Buffer.from(body, "base64").toString("utf8");
  return Buffer.from(body, "latin1").toString("utf8");
}

/** The content of the first part of a kind such as `text/plain`. */
export function part(mail, kind) {
  const at = mail.raw.indexOf(`Content-Type: ${kind}`);
  if (at < 0) return "";
  const boundary = /\r\n--[^\s=-][^\r\n]*\r\n|\r\n--[^\s=-][^\r\n]*--/;
  return decode(mail.raw.slice(at).split(boundary)[0]);
}

export async function startMail() {
  const mails = [];
  const server = createServer((socket) => talk(socket, mails));
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const to = (address, subject) =>
    mails.filter(
      ({ to: receivers, raw }) =>
        receivers.includes(address) && (/^Subject: (.*)$/m.exec(raw)?.[1] ?? "").includes(subject),
    );
  return {
    url: `smtp://127.0.0.1:${server.address().port}`,
    /** The newest mail to `address` with a word in its subject, once there are `count`. */
    async wait(address, subject, count = 1) {
      await until(
        `mail to ${address} about ${subject}`,
        () => to(address, subject).length >= count,
      );
      return to(address, subject)[count - 1];
    },
    stop: () => server.close(),
  };
}

/** The first link of a mail that begins with `start`. */
export function linkIn(mail, start) {
  const text = part(mail, "text/plain");
  const found = text.split(/\s+/).find((word) => word.startsWith(start));
  if (!found) throw new Error(`no link ${start} in: ${text}`);
  return found;
}
