# What up, down and user share. Sourced, never run.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
me=test/cluster/$(basename "$0")
state=${XDG_STATE_HOME:-$HOME/.local/state}/sympozium/cluster
issuer=https://kubernetes.default.svc.cluster.local
components="kube-scheduler kube-controller-manager kube-apiserver etcd" # in the order in which they end

say() { echo "$me: $*" >&2; }
fail() { say "$*"; exit 1; }
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
now_ms() { date +%s%3N; }

# The start time of a living process in clock ticks: with the pid it names one process for ever, a pid alone may be reused.
born() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }
# Prints the pid of a component that up started and that still lives.
pid_of() {
  local pid ticks
  read -r pid ticks 2>/dev/null <"$state/run/$1.pid" || return 1
  [ "$(born "$pid")" = "$ticks" ] && echo "$pid"
}

# Holds the state folder for one script at a time.
lock_state() {
  mkdir -p "$state"
  state=$(cd "$state" && pwd)
  exec 9>"$state/.lock"
  flock -w 120 9 || fail "another test/cluster script has held $state for two minutes"
}

make_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }
make_ca() { # name, common name
  make_key "$1.key"
  openssl req -x509 -new -key "$1.key" -sha256 -days 3650 -subj "/CN=$2" -out "$1.crt" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,digitalSignature,keyCertSign,cRLSign
}
# Signs NAME.crt for a fresh NAME.key. Arguments: name, subject, extended key usage [, alternative names [, CA other than the cluster's]]
make_certificate() {
  make_key "$1.key"
  openssl req -new -key "$1.key" -subj "$2" -utf8 |
    openssl x509 -req -CA "$state/pki/${5:-ca}.crt" -CAkey "$state/pki/${5:-ca}.key" -set_serial "0x$(openssl rand -hex 16)" \
      -sha256 -days 3650 -out "$1.crt" -extfile <(
        echo "basicConstraints=critical,CA:FALSE"
        echo "keyUsage=critical,digitalSignature"
        echo "extendedKeyUsage=$3"
        [ -z "${4:-}" ] || echo "subjectAltName=$4"
      ) 2>/dev/null
}
# Writes a kubeconfig with everything in it. Arguments: file, certificate name (path without ending)
make_kubeconfig() {
  local new=$1.new
  (umask 077 && cat >"$new") <<EOF
apiVersion: v1
kind: Config
clusters:
- name: test
  cluster:
    server: https://127.0.0.1:$(cat "$state/run/port")
    certificate-authority-data: $(base64 -w0 <"$state/pki/ca.crt")
users:
- name: user
  user:
    client-certificate-data: $(base64 -w0 <"$2.crt")
    client-key-data: $(base64 -w0 <"$2.key")
contexts:
- name: test
  context: {cluster: test, user: user}
current-context: test
EOF
  mv "$new" "$1"
}
