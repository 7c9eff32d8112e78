#!/usr/bin/env bash
# wasm-std.sh FOLDER [OLDEST] -- a Rust compiler with the standard library for wasm32-unknown-unknown, below FOLDER.
#
# The plugin builder's fallback for a machine whose toolchain has no such target and whose rustup may not fetch it. Takes what
# Debian's archive and crates.io have: rustc-web (at least version OLDEST, 1.95 if not given) is unpacked, never installed, since
# installed it conflicts with rustup, and the standard library is built once from rust-web-src.
# Prints the path of the compiler on stdout and says what it does on stderr. Needs no root, no `apt-get update` before, and writes
# nothing outside FOLDER (about 450 MB) and the cargo folders: apt works on private lists and a private configuration. A second
# call only prints. By hand:  RUSTC=$(bash wasm-std.sh ~/.cache/tidegate/wasm-rust) cargo build --target wasm32-unknown-unknown
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: wasm-std.sh FOLDER [OLDEST]" >&2; exit 2; }
oldest=${2:-1.95}
target=wasm32-unknown-unknown
say() { echo "wasm-std: $*" >&2; }
# What went wrong, and the command that a person can run instead.
fail() {
    say "error: $1"
    say "by hand: ${2:-rustup target add $target}"
    exit 1
}
show_log() { say "the last lines of $log:"; tail -n 12 "$log" >&2; }

{ mkdir -p "$1" && [ -w "$1" ]; } 2>/dev/null || fail "can't write to \`$1\`"
root=$(cd "$1" && pwd)
usr=$root/usr multiarch=$(uname -m)-linux-gnu rustc=$root/rustc
std=$usr/lib/rustlib/$target/lib
# A toolchain that is complete is used without waiting for the lock.
if [ -x "$rustc" ] && [ -e "$std/.done" ]; then echo "$rustc"; exit 0; fi
for tool in apt-get apt-cache apt-config dpkg-deb flock; do
    command -v $tool >/dev/null || fail "there is no \`$tool\`, so Debian's compiler can't be unpacked: the fallback works on Debian only"
done
cargo=${CARGO:-cargo}
command -v "$cargo" >/dev/null || fail "there is no \`$cargo\`" "install Rust from https://rustup.rs, then: rustup target add $target"

exec 9>"$root/lock"
flock -n 9 || { say "waiting for another process that prepares $root"; flock 9; }
apt=$root/apt deb=$root/deb log=$root/log
: >"$log"

# Sources, keys and proxies are the machine's, lists and caches ours. The machine's update hooks clean caches outside FOLDER and
# want root, so only the `Acquire` part of its configuration is taken over.
private_apt() {
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/sources"
    { apt-config dump | grep '^Acquire::' | grep -v '^Acquire::IndexTargets' || true
      cat <<CONF
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "root";
Debug::NoLocking "true";
Dir::State "$apt";
Dir::State::lists "$apt/lists/";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "$apt/cache/";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$apt/sources/";
CONF
    } >"$apt/apt.conf"
    export APT_CONFIG=$apt/apt.conf LC_ALL=C.UTF-8
    local file found=
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        # Other sources are of no use here, and may be out of reach.
        if grep -qsE '^(deb|URIs:).*debian' "$file"; then cp "$file" "$apt/sources/"; found=1; fi
    done
    [ -n "$found" ] || fail "no Debian source in /etc/apt, so Debian's compiler can't be fetched: the fallback works on Debian only"
}

candidate() { apt-cache policy rustc-web 2>>"$log" | sed -n 's/^ *Candidate: \([0-9]*\.[0-9]*\).*/\1/p'; }

unpack() {
    private_apt
    if [ -z "$(find "$apt/updated" -mmin -1440 2>/dev/null)" ] || [ -z "$(candidate)" ]; then
        say "reading Debian's package lists"
        # A source that fails is no error as long as the compiler is found.
        if apt-get update >>"$log" 2>&1; then touch "$apt/updated"; fi
    fi
    local version llvm missing package
    version=$(candidate)
    if [ -z "$version" ]; then
        ! grep -m 1 '^W: Failed to fetch' "$log" >&2 || fail "Debian's archive can't be reached"
        fail "Debian's package lists have no rustc-web: the fallback works on Debian 12 and its successors only"
    fi
    [ "$(printf '%s\n' "$oldest" "$version" | sort -V | head -n 1)" = "$oldest" ] ||
        fail "Debian's rustc-web is $version, $oldest is needed: is the source \`$(. /etc/os-release; echo "${VERSION_CODENAME:-}")-security\` in /etc/apt?"

    say "fetching Debian's rustc-web $version (140 MB)"
    rm -rf "$deb"; mkdir -p "$deb"; cd "$deb"
    fetch() { apt-get download "$@" >>"$log" 2>&1 || { rm -f "$apt/updated"; show_log; fail "Debian's packages can't be fetched: $*"; }; }
    fetch rustc-web libstd-rust-web-dev "libstd-rust-web-$version" rust-web-src
    llvm=$(dpkg-deb -f libstd-rust-web-"$version"_*.deb Depends | grep -o 'libllvm[0-9]*')
    # What these need and the machine lacks, such as libz3 and libxml2, is unpacked beside them.
    missing=$(apt-get -s --no-install-recommends install "$llvm" "lld-${llvm#libllvm}" 2>>"$log" | sed -n 's/^Inst \([^ ]*\).*/\1/p' || true)
    # shellcheck disable=SC2046,SC2086 # one word per package
    fetch $(printf '%s\n' "$llvm" "lld-${llvm#libllvm}" $missing | sort -u)

    say "unpacking below $root"
    for package in *.deb; do
        case $package in
            rust-web-src*) dpkg-deb --fsys-tarfile "$package" | tar -x -C "$root" --wildcards './usr/src/rustc-*/library' './usr/lib/rustlib/src*' ;;
            *) dpkg-deb -x "$package" "$root" ;;
        esac
        rm "$package"
    done
    local host lld libs=$usr/lib/$multiarch:$root/lib/$multiarch
    host=$(basename "$(dirname "$(ls -d "$usr"/lib/rustlib/*-linux-gnu/lib)")")
    lld=$usr/lib/rustlib/$host/bin/rust-lld
    mkdir -p "${lld%/*}"; ln -sf "../../../llvm-${llvm#libllvm}/bin/lld" "$lld"
    if LD_LIBRARY_PATH=$libs ldd "$usr/bin/rustc" "$usr/lib/$multiarch"/libLLVM.so.* "$lld" | grep 'not found' >>"$log"; then
        fail "shared libraries are missing" "apt-get install $llvm (as root), then once more"
    fi
    printf '#!/bin/sh\nLD_LIBRARY_PATH="%s${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "%s" "$@"\n' "$libs" "$usr/bin/rustc" >"$rustc.tmp"
    chmod +x "$rustc.tmp"; mv "$rustc.tmp" "$rustc"
    cd "$root"; rm -rf "$deb" "$apt"
}

build_std() {
    say "building the standard library for $target with $("$rustc" -V) (about a minute)"
    local work=$root/std
    rm -rf "$work" "$std.new"; mkdir -p "$work/src" "$std.new"; cd "$work"; : >src/lib.rs
    printf '[package]\nname = "std-of-%s"\nversion = "0.0.0"\nedition = "2024"\n[profile.release]\nopt-level = 3\n[workspace]\n' "$target" >Cargo.toml
    # -Cembed-bitcode: without it a plugin can't be linked with lto. -Zbuild-std: source and compiler are of one version.
    env -u CARGO_ENCODED_RUSTFLAGS -u CARGO_BUILD_RUSTFLAGS -u CARGO_BUILD_TARGET RUSTC_WRAPPER= RUSTC_WORKSPACE_WRAPPER= \
        RUSTC_BOOTSTRAP=1 RUSTC="$rustc" RUSTFLAGS=-Cembed-bitcode=yes CARGO_TARGET_DIR="$work/target" \
        "$cargo" build --release -Zbuild-std=std,panic_abort --target "$target" >>"$log" 2>&1 ||
        { show_log; fail "the standard library does not build"; }
    cp target/$target/release/deps/*.rlib "$std.new/"; rm -f "$std.new"/libstd_of_*
    touch "$std.new/.done"
    rm -rf "$std"; mv "$std.new" "$std"
    cd "$root"; rm -rf "$work"
}

[ -x "$rustc" ] || unpack
[ -e "$std/.done" ] || build_std
rm -f "$log"
echo "$rustc"
