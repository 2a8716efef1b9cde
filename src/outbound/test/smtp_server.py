"""smtp_server.py CERTIFICATE KEY starttls|tls|plain [auth]

A mail server for tests. Says `port N`, then one line of JSON for each mail it took, as Python's
email package reads it. Some addresses make it refuse, others make it take the mail and say nothing.
"""
import asyncio
import email
import email.policy
import hashlib
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Handler:
    def __init__(self):
        self.held = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        answers = {
            "gone": "550 5.1.1 No such user here",
            "blocked": "554 5.7.1 We do not like you",
            "busy": "451 4.3.0 Try again later",
            "throttled": "450 4.7.1 Too many mails from you",
            "plain": "552 mailbox full",
        }
        if name in answers:
            return answers[name]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        raw = envelope.content
        message = email.message_from_bytes(raw, policy=email.policy.default)
        seen = {
            "tls": session.ssl is not None or server.over_tls,
            "login": session.auth_data.login.decode() if session.auth_data else None,
            "peer": session.peer[1],
            "helo": session.host_name,
            "mail_from": envelope.mail_from,
            "rcpt_tos": envelope.rcpt_tos,
            "headers": [[name, str(value)] for name, value in message.items()],
            "defects": [str(d) for d in message.defects],
            "type": message.get_content_type(),
            "text": "", "html": "", "attachments": [],
            "longest_line": max(len(line) for line in raw.split(b"\r\n")),
            "bare_newlines": raw.replace(b"\r\n", b"").count(b"\n")
            + raw.replace(b"\r\n", b"").count(b"\r"),
            "ascii": all(b < 128 for b in raw),
        }
        for part in message.walk():
            if part.is_multipart():
                continue
            seen["defects"] += [str(d) for d in part.defects]
            if part.get_content_disposition() == "attachment":
                content = part.get_payload(decode=True)
                seen["attachments"].append({
                    "name": part.get_filename(), "type": part.get_content_type(),
                    "size": len(content), "sha256": hashlib.sha256(content).hexdigest()})
            elif part.get_content_type() == "text/html":
                seen["html"] = part.get_content().replace("\r\n", "\n")
            else:
                seen["text"] = part.get_content().replace("\r\n", "\n")
        if "refuse this" in seen["text"]:
            return "554 5.6.0 No"
        print(json.dumps(seen), flush=True)
        # It has the mail, and the sender will never hear of it; the next copy is answered.
        held = [a for a in envelope.rcpt_tos if a.startswith("held")]
        if held and message["Message-ID"] not in self.held:
            self.held.add(message["Message-ID"])
            await asyncio.sleep(600)
        return "250 2.0.0 Ok: queued as 4XyZ1"


class Server(SMTP):
    over_tls = False  # from the first byte


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == b"haat" and data.password == "p@ss w\u00f6rd".encode()
    return AuthResult(success=good, handled=False, auth_data=data if good else None)


async def main():
    certificate, key, security = sys.argv[1:4]
    auth = "auth" in sys.argv[4:]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    handler = Handler()

    def make():
        server = Server(
            handler, hostname="mail.test", data_size_limit=64 << 20,
            tls_context=context if security == "starttls" else None,
            require_starttls=security == "starttls",
            authenticator=authenticate if auth else None, auth_required=auth,
            auth_require_tls=security == "starttls")
        server.over_tls = security == "tls"
        return server

    listener = await asyncio.get_running_loop().create_server(
        make, "127.0.0.1", 0, ssl=context if security == "tls" else None)
    print("port", listener.sockets[0].getsockname()[1], flush=True)
    await listener.serve_forever()


asyncio.run(main())
