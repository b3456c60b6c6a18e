# Sourced by packaging/run, tests/run and .ci/run: makes .venv and installs what the system lacks.
#
# The set-up is done when .venv/.ready-NAME holds the fingerprint of everything it was made from; these files are
# written last, so a set-up that was interrupted is simply not done. One that stopped inside pip leaves
# .venv/.unfinished behind, and the next one begins with a new .venv: pip takes a half-written package for a whole one.

# Lists of groups and of package names are words in one variable, so they are left unquoted.
# shellcheck shell=bash disable=SC2086,SC2046

self=${BASH_SOURCE[0]}
[[ $self == */* ]] || self=./$self
root=$(cd -- "${self%/*}/.." && pwd -P)
venv=$root/.venv
made_from=("$root/pyproject.toml" "$root/packaging/constraints.txt" "$root/packaging/system-packages.txt" "$self")

say() { printf 'pqdesk: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# prepare EXTRA NEEDED [WANTED]: .venv with the extra EXTRA of pyproject.toml, and the system packages of the groups
# NEEDED, without which this fails, and of the group WANTED, without which it says so once. Returns at once when all
# is there.
prepare() {
    local extra=$1 needed=$2 wanted=${3:-}
    is_ready "$extra" $needed ${wanted:+"asked-$wanted"} && return
    exec 9<"$root/packaging" # a lock on the folder itself leaves no file behind, and dies with its holders
    if ! flock -n 9; then
        say "another set-up of this checkout is running; waiting for it"
        flock 9
    fi
    is_ready "$extra" $needed ${wanted:+"asked-$wanted"} || set_up "$extra" "$needed" "$wanted"
    exec 9<&-
}

is_ready() {
    [[ -x $venv/bin/python ]] || return
    local name expected
    expected=$(fingerprint)
    for name in "$@"; do
        [[ -r $venv/.ready-$name && $(<"$venv/.ready-$name") == "$expected" ]] || return
    done
}

# The place counts because scripts in .venv/bin name it, the interpreter because its libraries lie in lib/pythonX.Y.
fingerprint() {
    { printf '%s\n' "$root"; readlink -f -- "$venv/bin/python"; cat -- "${made_from[@]}"; } | sha256sum
}

set_up() {
    local extra=$1 needed=$2 wanted=$3 base is_new=''
    base=$(choose_python)
    venv_is_sound || is_new=yes
    provide_system_packages "$base" "${is_new:+python} $needed" "$wanted"
    [[ -z $is_new ]] || make_venv "$base"
    is_ready "$extra" || install_python_packages "$extra"
    note_ready "$base" "$extra" "$needed" "$wanted"
}

# Nothing of the caller's shell may lead Python or pip away from .venv, and no module in the current folder stand in for
# one of theirs; the program started in the end gets it all.
apart() {
    env -u PYTHONPATH -u PYTHONHOME PYTHONSAFEPATH=1 PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1 "$@"
}

# The first Python of at least 3.11, as the path of the real interpreter: never that of a .venv about to go.
choose_python() {
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11 python3.14; do
        apart "$candidate" -c "$which_python" 2>/dev/null && return
    done
    die "needs Python 3.11 or newer, and $(python3 --version 2>/dev/null || echo 'no python3') is what this machine has;" \
        "install a newer one (Debian 12, Ubuntu 24.04 and later have it: $(as_root_line 'apt-get install -y python3'))"
}

which_python='
import os, sys
if sys.version_info < (3, 11):
    sys.exit(1)
print(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))
'

# Made by a finished set-up, at this place, by an interpreter that is still there.
venv_is_sound() {
    [[ -x $venv/bin/python && ! -e $venv/.unfinished && -r $venv/pyvenv.cfg ]] &&
        [[ "$(<"$venv/pyvenv.cfg")"$'\n' == *" -m venv"*" $venv"$'\n'* ]] &&
        apart "$venv/bin/python" -c 'import pip' 2>/dev/null
}

make_venv() {
    rm -rf -- "$venv"
    step "making .venv with $1" apart "$1" -m venv "$venv" ||
        die "cannot make $venv (above: why); mend that and start again"
    : >"$venv/.unfinished"
}

# Without build isolation, since pip would fetch the build tools unpinned.
install_python_packages() {
    local pip=(apart "$venv/bin/python" -m pip install --quiet --constraint "$root/packaging/constraints.txt")
    rm -f -- "$venv"/.ready-*
    : >"$venv/.unfinished"
    step "installing the Python packages, once; this takes about a minute" install_in_order "$1" ||
        die "cannot install the Python packages (above: why); check the connection to the package index and start again"
    rm -f -- "$venv/.unfinished"
}

install_in_order() {
    "${pip[@]}" hatchling editables && "${pip[@]}" --no-build-isolation --editable "${root}[$1]"
}

note_ready() {
    local base=$1 extra=$2 needed=$3 wanted=$4 name expected names
    names="$extra $needed ${wanted:+"asked-$wanted"}"
    [[ $extra != dev ]] || names+=' desktop build' # dev includes them
    [[ -z $wanted || -n $(missing "$base" "$wanted") ]] || names+=" $wanted"
    expected=$(fingerprint)
    for name in $names; do
        printf '%s\n' "$expected" >"$venv/.ready-$name"
    done
}

# ---- what the system has to have

missing() {
    apart "$1" "$root/packaging/missing_packages.py" "${@:2}"
}

provide_system_packages() {
    local base=$1 needed=$2 wanted=$3 lacking
    lacking=$(missing "$base" $needed $wanted)
    [[ -n $lacking ]] || return 0
    if may_install "$lacking"; then
        apt_install "$lacking" || true  # what counts is what is there afterwards
    fi
    lacking=$(missing "$base" $needed $wanted)
    [[ -n $lacking ]] || return 0
    [[ -z $(missing "$base" $needed) ]] ||
        die "needs more from the system than is there. Type this, then start again: $(install_line "$lacking")"
    say "the window will need more from the system than is there: $(install_line "$lacking")"
}

# Whether $1 may be installed: root does, others by sudo, which on a terminal is asked for before it is used.
may_install() {
    local answer
    command -v apt-get >/dev/null || return
    ((EUID != 0)) || return 0
    command -v sudo >/dev/null || return
    if [[ -t 0 && -t 2 ]]; then
        say "the system lacks these packages: $(debian_names "$1")"
        read -r -p 'pqdesk: install them with sudo? [y/N] ' answer >&2 && [[ $answer == [yY]* ]] && sudo -v
    else
        sudo -n true 2>/dev/null
    fi
}

as_root() {
    if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi
}

# Not for daemons to inherit: a package's scripts may start one, and it would hold the lock for ever.
apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l \
        apt-get -y -o DPkg::Lock::Timeout=600 "$@" 9<&-
}

apt_install() {
    local lacking=$1
    step "installing what the system lacks: $(debian_names "$lacking")" install_by_name "$lacking"
}

# The lists of a new machine are empty, those of an old one name files that are gone.
install_by_name() {
    all_known "$1" || apt_get update || return
    apt_get install --no-install-recommends $(debian_names "$1") && return
    apt_get update && apt_get install --no-install-recommends $(debian_names "$1")
}

# Those of the names that apt can install; none where there is no apt.
known_names() {
    { apt-cache show --no-all-versions "$@" 2>/dev/null || true; } | sed -n 's/^Package: //p'
}

# Each line of $1 lists the names a package has had, newest first: the first that apt knows, else the last, which
# newer releases still provide.
debian_names() {
    local known names=() line name
    known=" $(known_names $1 | tr '\n' ' ') "
    while read -r line; do
        for name in $line; do
            [[ $known != *" $name "* ]] || break
        done
        names+=("$name")
    done <<<"$1"
    printf '%s\n' "${names[*]}"
}

all_known() {
    local names
    names=$(debian_names "$1")
    (($(known_names $names | wc -l) >= $(wc -w <<<"$names")))
}

install_line() {
    if ! command -v apt-get >/dev/null; then
        printf '%s\n' "your system's packages for $(debian_names "$1") (Debian's names)"
    else
        as_root_line 'apt-get update' "apt-get install -y --no-install-recommends $(debian_names "$1")"
    fi
}

# One line to type that runs the commands one after the other as root, by what this user and machine have for that.
as_root_line() {
    local line before=''
    ((EUID == 0)) || ! command -v sudo >/dev/null || before='sudo '
    printf -v line " && $before%s" "$@"
    line=${line# && }
    [[ $EUID == 0 || -n $before ]] || line="su -c '$line'"
    printf '%s\n' "$line"
}

# step WHAT COMMAND…: say what is done; show the end of its output only when it fails.
step() {
    local log status=0
    say "$1"
    log=$(mktemp)
    "${@:2}" >"$log" 2>&1 </dev/null || status=$?
    ((status == 0)) || tail -n 20 -- "$log" >&2
    rm -f -- "$log"
    return "$status"
}
