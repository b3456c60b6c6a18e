#!/bin/sh
# sh install.sh [PREFIX]: PQDesk for this user alone, without root: below ~/.local, or PREFIX. sh uninstall.sh takes it away.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
prefix=${1:-$HOME/.local}
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
program=$prefix/lib/pqdesk
new=$program.new.$$
trap 'rm -rf -- "$new"' EXIT

mkdir -p -- "$prefix/lib" "$prefix/bin" "$prefix/share"
if [ -e "$program" ] && [ ! -x "$program/pqdeskd" ]; then
    echo "install.sh: '$program' is there and is not PQDesk; nothing was changed" >&2
    exit 1
fi
# Whole before it takes the place of the old one: a full disk leaves that as it was.
cp -R -- "$here/pqdesk" "$new"
cp -- "$here/uninstall.sh" "$new/uninstall.sh"
"$new/pqdeskd" --version >/dev/null || { echo "install.sh: it does not run on this system; nothing was changed" >&2; exit 1; }
if [ -e "$program" ]; then
    mv -- "$program" "$new.old"
    mv -- "$new" "$program"
    rm -rf -- "$new.old"
else
    mv -- "$new" "$program"
fi
ln -sf -- "$program/bin/pqdesk" "$prefix/bin/pqdesk"
cp -R -- "$here/share/." "$prefix/share/"
# A desktop entry's Exec wants its quotes, backslashes, $ and ` escaped, and % doubled.
command=$(printf '%s' "$prefix/bin/pqdesk" | sed 's/[\\"`$]/\\\\&/g; s/%/%%/g; s/[\\&|]/\\&/g')
sed "s|@PROGRAM@|\"$command\"|" "$here/share/applications/pqdesk.desktop" >"$prefix/share/applications/pqdesk.desktop"
if command -v update-mime-database >/dev/null; then # desktops know file types by what this makes
    update-mime-database "$prefix/share/mime" >/dev/null 2>&1 || :
fi

echo "PQDesk is in $program; the command is $prefix/bin/pqdesk; take it away with: sh $program/uninstall.sh"
case :$PATH: in
    *:"$prefix/bin":*) ;;
    *) echo "$prefix/bin is not in your PATH; add it, or call the command by its whole name" ;;
esac
