#!/bin/sh
# A benchmark on a cluster: JOB='srun -c2' on a Slurm of one node, which the test starts, gives the bytes
# of a local run.
. tests/tap.sh
. tests/pipe/benchmark.sh

[ -e "$ODESTEER_MODEL" ] || skip_all 'no model here'
[ "$(id -u)" = 0 ] || skip_all 'root is needed to start a Slurm'
for tool in munged slurmctld slurmd srun mlr; do
	command -v $tool >/dev/null || skip_all "no $tool here"
done
daemons='' # process ids
stop() {
	# shellcheck disable=SC2086 # a list
	[ -z "$daemons" ] || kill -KILL $daemons 2>/dev/null
	rm -rf "$tmp"
}
trap stop EXIT
chmod 755 "$tmp"
host=$(hostname -s)
cores=$(nproc)
cat >"$tmp/slurm.conf" <<END
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
AuthInfo=socket=$tmp/munge.socket
MpiDefault=none
ProctrackType=proctrack/pgid
ReturnToService=2
SlurmUser=root
StateSaveLocation=$tmp/state
SlurmdSpoolDir=$tmp/spool
SlurmctldPidFile=$tmp/slurmctld.pid
SlurmdPidFile=$tmp/slurmd.pid
SchedulerType=sched/backfill
SelectType=select/cons_tres
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cores State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
mkdir "$tmp/state" "$tmp/spool"
head -c 1024 /dev/urandom >"$tmp/munge.key"
chmod 400 "$tmp/munge.key"
export SLURM_CONF="$tmp/slurm.conf"
munged --foreground --force --key-file="$tmp/munge.key" --socket="$tmp/munge.socket" \
	--pid-file="$tmp/munged.pid" --log-file="$tmp/munged.log" --seed-file="$tmp/munge.seed" 2>/dev/null &
daemons=$!
slurmctld -D >"$tmp/slurmctld.log" 2>&1 &
daemons="$daemons $!"
slurmd -D >"$tmp/slurmd.log" 2>&1 &
daemons="$daemons $!"
n=0
until timeout 20 srun -Q -n1 true 2>/dev/null; do
	n=$((n + 1))
	[ $n -lt 10 ] || skip_all "Slurm does not start here: $(tail -n 1 "$tmp/slurmd.log")"
	sleep 1
done

cp pipelines/presets/smollm2-135m "$tmp/preset"
export PRESET="$tmp/preset" LIMIT=4 METHODS='none caa' OUT="$tmp/out"
streams() {
	(cd "$tmp/out" && find . -name '*.ods' -o -name 'report.*' ! -name '*.cmd' | sort | xargs cksum)
}
number() { # prints how many jobs there have been
	srun -Q -n1 sh -c 'echo $SLURM_JOB_ID'
}
before=$(number)
run benchmark realtoxicity JOB='srun -Q -n1 -c2' -j2
is "$status $(printf '%s\n' "$err" | grep -v '^Warning: empty')" '0 ' 'a benchmark on Slurm'
is "$(($(number) - before - 1))" \
	"$(grep -lF -- " -m $ODESTEER_MODEL" "$tmp/out"/*.cmd | wc -l)" \
	'every command that loads a model is a job'
streams >"$tmp/there"
rm -r "$tmp/out"
run benchmark realtoxicity
is "$(streams)" "$(cat "$tmp/there")" 'has the bytes of a run without it'
finish
