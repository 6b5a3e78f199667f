"""Write knowledge/simplified.yaml anew: each Traditional character whose Simplified form differs."""

from __future__ import annotations

from opencc import OpenCC

from knowledge.load import ROOT

HEAD = """\
# Traditional characters with their Simplified form, so that both are matched as one.
# Derived character by character with OpenCC's t2s conversion (Apache-2.0, see NOTICE): `make simplified`.
"""


def main() -> None:
    """Convert every unified ideograph by itself and keep those that change."""
    convert = OpenCC("t2s").convert
    pairs = {c: s for c in map(chr, range(0x4E00, 0xA000)) if (s := convert(c)) != c and len(s) == 1}
    pairs.setdefault("臺", "台")
    text = f'{HEAD}from: "{"".join(pairs)}"\nto: "{"".join(pairs.values())}"\n'
    (ROOT / "simplified.yaml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
