#!/usr/bin/env bash
# bash tests/packaged/bare_debian.sh [SUITE]: the first start on a Debian that has python3 and nothing else, by hand.
#
# For root, with debootstrap, since it needs a system of its own, mounts and a few minutes. Tries what a newcomer meets:
# a user who may not install is told the line to type; with that line typed, and as root without it, the start
# completes. With --tests, tests/run runs there too. The package indexes are those that this machine is set up for.
set -euo pipefail
self=${BASH_SOURCE[0]}
[[ $self == */* ]] || self=./$self
project=$(cd -- "${self%/*}/../.." && pwd -P)
suite=bookworm with_tests=''
for argument in "$@"; do
    if [[ $argument == --tests ]]; then with_tests=yes; else suite=$argument; fi
done
((EUID == 0)) || { echo "bare_debian.sh: needs root" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "bare_debian.sh: needs debootstrap: apt-get install debootstrap" >&2; exit 1; }

work=$(mktemp -d /var/tmp/bare-debian.XXXXXX)
systems=()
clean_up() {
    local system
    for system in "${systems[@]}"; do umount --lazy -- "$system/proc" "$system/dev/pts" "$system/dev" || true; done
    rm -rf --one-file-system -- "$work"
}
trap clean_up EXIT

# The base system, led to the indexes as this machine is.
make_base() {
    local base=$work/base mirror
    # shellcheck disable=SC2016  # apt expands it
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
    debootstrap --variant=minbase "$suite" "$base" "$mirror" >"$work/debootstrap.log" || { tail "$work/debootstrap.log"; return 1; }
    cp -- /etc/resolv.conf /etc/hosts "$base/etc/"
    [[ ! -e /etc/pip.conf ]] || cp -- /etc/pip.conf "$base/etc/"
    cp -- /etc/apt/apt.conf.d/99* "$base/etc/apt/apt.conf.d/" 2>/dev/null || true
    mkdir -p -- "$base/usr/local/share/ca-certificates" "$base/etc/ssl/certs"
    cp -- /usr/local/share/ca-certificates/* "$base/usr/local/share/ca-certificates/" 2>/dev/null || true
    cp -L -- /etc/ssl/certs/ca-certificates.crt "$base/etc/ssl/certs/"
    chroot "$base" sh -c 'apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 &&
        rm -rf /var/lib/apt/lists/* && useradd -m ada' >"$work/python3.log" 2>&1 || { tail "$work/python3.log"; return 1; }
}

# A copy of it with a clone in the home of $2.
make_system() {
    system=$work/$1 home=/home/$2
    [[ $2 != root ]] || home=/root
    cp -a -- "$work/base" "$system"
    mount -t proc proc "$system/proc"
    mount --bind /dev "$system/dev"
    mount --bind /dev/pts "$system/dev/pts" # tests of the terminal view open one
    systems+=("$system")
    git clone --quiet --no-local -- "$project" "$system$home/pqdesk"
    chroot "$system" chown -R "$2:" "$home/pqdesk"
}

inside() { # USER COMMAND…, in an environment with no more than a login has
    local user=$1 certificates=()
    [[ -z ${PIP_CERT:-} ]] || certificates=("PIP_CERT=$PIP_CERT")
    chroot "$system" env -i "${certificates[@]}" LANG=C.UTF-8 HOME="$home" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        setpriv --reuid "$user" --regid "$user" --init-groups "${@:2}" </dev/null
}

expect() { # WHAT COMMAND…
    if "${@:2}"; then printf 'ok: %s\n' "$1"; else printf 'FAILED: %s\n' "$1"; exit 1; fi
}

start_and_end() { # USER: the start without a display, the same again, and the end of the demo's workers
    local run=(bash "$home/pqdesk/packaging/run")
    inside "$1" "${run[@]}" || return
    said=$(inside "$1" "${run[@]}" --version 2>&1) || return
    printf '%s\n' "$said"
    [[ $said != *'making .venv'* && $said != *installing* ]] || return
    inside "$1" "${run[@]}" supervisorctl -w "$home/.local/share/pqdesk/demo" shutdown || return
    [[ -z $(git -c safe.directory='*' -C "$system$home/pqdesk" status --porcelain) ]]
}

make_base

make_system user ada
said=$(inside ada env DISPLAY=:0 QT_QPA_PLATFORM=offscreen bash "$home/pqdesk/packaging/run" 2>&1) && exit 1
printf '%s\n' "$said"
line=${said##*start again: }
expect "a user who may not install is told what to type" [ "${line#su -c }" != "$line" ]
typed=${line#su -c \'}
chroot "$system" env DEBIAN_FRONTEND=noninteractive sh -c "${typed%\'}" >"$work/typed.log" 2>&1 </dev/null
expect "with that line typed, the start completes" start_and_end ada

make_system root root
expect "as root, the start completes by itself" start_and_end root
[[ -z $with_tests ]] || expect "as root, the tests pass" inside root bash "$home/pqdesk/tests/run"
