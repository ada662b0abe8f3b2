#!/bin/sh
# Make sure there is a Chromium, and a font for Chinese, for the tests that look at pages. Debian and its kin only;
# elsewhere it says what is missing.
set -eu

missing=
for name in chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null; then found=$name; fi
done
[ -n "${found-}" ] || missing="chromium"
if [ ! -d /usr/share/fonts/opentype/noto ] && ! fc-list :lang=zh 2>/dev/null | grep -q .; then
  missing="${missing:+$missing }fonts-noto-cjk"
fi
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
  if sudo -n true 2>/dev/null; then as_root=sudo; else as_root=none; fi
fi
if [ "$as_root" = none ] || ! command -v apt-get >/dev/null; then
  echo "error: the tests need $missing; install it (Debian, Ubuntu: apt-get install $missing) and try again" >&2
  exit 1
fi
echo "installing $missing with apt-get, for the tests that look at pages"
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
