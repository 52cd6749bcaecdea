# What make-dist.sh and make-wheel.sh share: libraries and licenses for a folder that runs on other machines. The
# scripts set `licenses`, the folder of the texts, and `fail`.
# shellcheck shell=bash
: "${licenses:?}"

# Sonames that glibc provides, and libgcc_s, which glibc itself loads to end threads: an older one
# in the bundle would stand in the way of a driver that needs the machine's.
readonly from_glibc=' ld-linux-x86-64.so.2 libc.so.6 libm.so.6 libmvec.so.1 libdl.so.2 libpthread.so.0 librt.so.1 libresolv.so.2 libutil.so.1 libgcc_s.so.1 '

# The package that a file came with. Debian has moved files from /lib to /usr/lib, its list has not.
package_of() {
  local package
  package=$(dpkg -S "*/$(basename "$(readlink -f "$1")")" 2>/dev/null | sed 's/:.*//' | sort -u | head -n 1)
  [ -n "$package" ] || fail "no package owns $1"
  echo "$package"
}

add_license() {
  local package=$1 text=/usr/share/doc/$1/copyright
  [ -f "$text" ] || fail "$package has no copyright file"
  cp "$text" "$licenses/$package.txt"
}

# The shared libraries of other packages that files need, and these in turn: a soname and a path a line.
libraries_of() {
  ldd "$@" | sed -n 's/^\t\(lib[^ ]*\) => \(.*\) (0x.*)$/\1 \2/p; s/^\t\(lib[^ ]*\) => not found$/\1 -/p' | sort -u |
    while read -r soname path; do
      [[ $from_glibc == *" $soname "* ]] || echo "$soname $path"
    done
}

# One library for every processor, with threads of its own: not a build for one processor or OpenMP.
check_openblas() {
  local path
  path=$(readlink -f "$1")
  case $path in
  */openblas-pthread/*) ;;
  *) fail "OpenBLAS must be the one of libopenblas0-pthread" ;;
  esac
  grep -q DYNAMIC_ARCH "$path" || fail "this OpenBLAS is for one processor only"
}

# Copies the shared libraries that files need into a folder, for glibc 2.34: copy_libraries FOLDER FILE…; sets
# `libraries`, their sonames.
copy_libraries() {
  local folder=$1 soname path
  shift
  libraries=()
  while read -r soname path; do
    [ -f "$path" ] || fail "$soname is not found on this machine"
    add_license "$(package_of "$path")"
    libraries+=("$soname")
    case $soname in
    libopenblas*) check_openblas "$path" ;;
    libexpat*)
      # The shared library needs a newer glibc than its archive, which a function of ours completes.
      clang -shared -o "$folder/$soname" "-Wl,-soname,$soname" -Wl,-Bsymbolic -Wl,--whole-archive \
        "$(dirname "$path")/libexpat.a" -Wl,--no-whole-archive "$PWD/.build-dist/static/newer.o" -lm
      ;;
    esac
    [ -f "$folder/$soname" ] || cp -L "$path" "$folder/$soname"
    case $soname in
    libcairo.so*) python3 Scripts/dist/glibc/lower-version.py "$folder/$soname" GLIBC_2.35 GLIBC_2.2.5 ;;
    esac
    chmod 644 "$folder/$soname"
    strip --strip-unneeded "$folder/$soname"
  done < <(libraries_of "$@")
}

# Licenses of what is linked in, and the texts that the copyright files refer to.
add_common_licenses() {
  local resources checkout text
  resources=$(swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
  cp "$resources/../../share/swift/LICENSE.txt" "$licenses/swift.txt"
  for checkout in swift-argument-parser swift-log; do
    cp ".build-dist/checkouts/$checkout/LICENSE.txt" "$licenses/$checkout.txt"
  done
  add_license "$(package_of "$(clang --print-file-name=libstdc++.a)")"
  mkdir "$licenses/common-licenses"
  while read -r text; do
    # Some name what is no longer there.
    if [ -f "$text" ]; then cp -L "$text" "$licenses/common-licenses/"; fi
  done < <(grep -oh '/usr/share/common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]' "$licenses"/*.txt | sort -u)
}
