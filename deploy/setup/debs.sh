# shellcheck shell=bash
# A function to fetch Debian packages and unpack them into a folder: nothing is installed, no service is started, and no root
# is needed. apt keeps its lists and downloads in a folder of its own meanwhile. Sourced by python.sh and tools.sh.

# Run apt-get on lists and a cache in folder $1; it reads, but never changes, the machine's own state.
private_apt() {
    local home=$1
    shift
    apt-get --quiet=2 \
        -o Dir::State::Lists="$home/lists" -o Dir::Cache="$home/cache" -o Dir::Cache::Archives="$home/archives" \
        -o Debug::NoLocking=true -o APT::Sandbox::User= -o Acquire::Languages=none -o Acquire::Retries=3 \
        "$@" </dev/null
}

# fetch_debs FOLDER PACKAGE...: unpack the packages, with those of their dependencies that this machine lacks, into FOLDER.
fetch_debs() {
    local folder=$1 home deb
    shift
    if ! { command -v apt-get && command -v dpkg-deb; } >/dev/null; then
        echo "setup: no apt-get here (not a Debian machine?), so these cannot be fetched: $*" >&2
        return 1
    fi
    mkdir -p "$folder"
    home=$(mktemp --directory "$PWD/$folder/apt.XXXXXX")
    mkdir -p "$home"/{lists,archives}/partial "$home/cache"
    private_apt "$home" update &&
        private_apt "$home" install --yes --reinstall --download-only --no-install-recommends "$@" >/dev/null &&
        for deb in "$home"/archives/*.deb; do
            dpkg-deb --extract "$deb" "$folder" || break
        done
    local status=$?
    rm -rf "$home"
    return $status
}
