"""Reads messages with Python's own email package: a JSON line in ({"name", "bytes" in base64}), a JSON line out."""

import base64
import html.parser
import json
import signal
import sys
from email import message_from_bytes, policy

SECONDS = 20


class Words(html.parser.HTMLParser):
    """The text of HTML, as far as its tags tell it."""

    def __init__(self):
        super().__init__()
        self.text = []
        self.hidden = None

    def handle_starttag(self, tag, attrs):
        self.text.append(" ")
        if tag in ("script", "style", "title", "head"):
            self.hidden = tag
        if tag == "body":
            self.hidden = None

    def handle_endtag(self, tag):
        self.text.append(" ")
        if tag == self.hidden:
            self.hidden = None

    def handle_data(self, data):
        if self.hidden is None:
            self.text.append(data)


def leaves(part):
    """Parts in order; a message within the message is one."""
    if part.get_content_maintype() == "multipart" and part.is_multipart():
        for inner in part.iter_parts():
            yield from leaves(inner)
    else:
        yield part


def text_of(part):
    try:
        content = part.get_content()
    except (LookupError, UnicodeError):
        content = part.get_payload(decode=True).decode("latin-1")
    if part.get_content_subtype() != "html":
        return content
    words = Words()
    words.feed(content)
    words.close()
    return "".join(words.text)


def addresses(field):
    return [] if field is None else [address.addr_spec for address in field.addresses]


def read(source):
    message = message_from_bytes(source, policy=policy.default)
    texts, names = [], []
    for part in leaves(message):
        name = part.get_filename()
        if name is not None:
            names.append(name)
        elif part.get_content_type() in ("text/plain", "text/html") and part.get_content_disposition() != "attachment":
            texts.append(text_of(part))
    return {
        "subject": None if message["subject"] is None else str(message["subject"]),
        "from": addresses(message["from"]) or addresses(message["sender"]),
        "text": "\n".join(texts),
        "names": names,
    }


def too_long(*_):
    raise TimeoutError


signal.signal(signal.SIGALRM, too_long)
for line in sys.stdin:
    task = json.loads(line)
    signal.alarm(SECONDS)
    try:
        answer = read(base64.b64decode(task["bytes"]))
    except Exception as error:  # What a message does to this reader is a finding, not a fault of the test.
        answer = {"failed": type(error).__name__}
    signal.alarm(0)
    # ASCII only: half a surrogate pair would end the process.
    print(json.dumps({"name": task["name"], **answer}), flush=True)
