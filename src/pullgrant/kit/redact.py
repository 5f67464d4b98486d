"""Takes secrets out of a foreign text before it reaches a message, a log or the ledger."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, quote_plus

from pullgrant.secret import MASK, Secret

# Shapes that the vendors document for their secrets; what has no shape is masked by value, with `known`.
_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|\bey[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*)?"  # JWT
    r"|\bya29\.[A-Za-z0-9._-]+"  # Google access token
    r"|\bdckr_(?:oat|pat)_[A-Za-z0-9_-]+"
    r"|\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_[A-Za-z0-9_]{16,}"
    r"|\bgl(?:pat|dt|soat)-[A-Za-z0-9_-]{16,}"
    r"|\bcst4\.[0-9a-f]{16,}"
    r"|(?<=Bearer )[A-Za-z0-9._~+/=-]{8,}|(?<=Basic )[A-Za-z0-9+/=]{8,}"
    r"|(?:(?<=token=)|(?<=secret=)|(?<=password=)|(?<=sig=)|(?<=assertion=))[^&\s\"']+"
    r"|(?<=X-Amz-Signature=)[0-9a-f]+|(?<=X-Amz-Security-Token=)[^&\s]+",
    re.DOTALL,
)
_SHORTEST_LINE = 8  # of a secret of several lines: the braces of a key file say nothing


def redact(text: str, *known: Secret, limit: int = 600) -> str:
    """Return `text` on one line, at most `limit` characters, without known secrets and without the shapes of secrets.

    A known secret is found as it is, without its outer blanks, escaped for JSON, Python or a URL, line by line when it has
    several, and when the text was wrapped at its blanks.
    """
    forms = {form for secret in known for form in _forms(secret.reveal(), text) if form.strip()}
    text = _without(forms, text)
    text = _without(forms, " ".join(_SHAPES.sub(MASK, text).split()))
    return text if len(text) <= limit else f"{text[:limit]}..."


def _without(forms: set[str], text: str) -> str:
    # A pattern of all forms of a long secret takes milliseconds to compile, and most texts hold none of them.
    found = sorted((form for form in forms if form in text), key=len, reverse=True)
    return re.sub("|".join(map(re.escape, found)), MASK, text) if found else text


def _forms(secret: str, text: str) -> list[str]:
    """Return how a secret may stand in this text; where it has no sign of a URL's escapes, without those, which are slow."""
    lines = [line.strip() for line in secret.splitlines() if len(line.strip()) >= _SHORTEST_LINE]
    escaped = [json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]]
    if "%" in text or "+" in text:
        escaped += [quote(secret, safe="", errors="replace"), quote_plus(secret, errors="replace")]
    forms = [secret, *lines, *escaped]
    return [*forms, *(form.strip() for form in forms), *(" ".join(form.split()) for form in forms)]
