#!/bin/sh
# sh uninstall.sh [PREFIX]: take away what install.sh has put below ~/.local, or PREFIX. Workspaces stay.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
case $here in
    */lib/pqdesk) prefix=${1:-${here%/lib/pqdesk}} ;;
    *) prefix=${1:-$HOME/.local} ;;
esac
[ -x "$prefix/lib/pqdesk/pqdeskd" ] || { echo "uninstall.sh: there is no PQDesk below '$prefix'" >&2; exit 1; }
rm -rf -- "$prefix/lib/pqdesk"
rm -f -- "$prefix/bin/pqdesk" "$prefix/share/applications/pqdesk.desktop" \
    "$prefix"/share/icons/hicolor/*/apps/pqdesk.png "$prefix"/share/icons/hicolor/*/apps/pqdesk*.svg \
    "$prefix"/share/man/man1/pqdesk*.1.gz "$prefix/share/bash-completion/completions/pqdesk" \
    "$prefix/share/zsh/vendor-completions/_pqdesk" "$prefix/share/fish/vendor_completions.d/pqdesk.fish" \
    "$prefix/share/metainfo/org.pqdesk.pqdesk.metainfo.xml" "$prefix/share/mime/packages/pqdesk.xml"
mime=$prefix/share/mime
if rmdir -- "$mime/packages" 2>/dev/null; then
    rm -rf -- "$mime" # all else there is made of what was in packages
elif command -v update-mime-database >/dev/null; then
    update-mime-database "$mime" >/dev/null 2>&1 || :
fi
echo "PQDesk is gone from $prefix; workspaces stay where they are (${XDG_DATA_HOME:-$HOME/.local/share}/pqdesk)"
