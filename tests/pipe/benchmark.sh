# benchmark.sh - small sets for the benchmarks, in $tmp; sourced by tests.
#
# Exports settings with which each benchmark runs in seconds.
unset OUT DATA MODEL PRESET METHODS BLOCK TEMPLATE LIMIT SHARD FLUENCY GPU JOB SEED T
unset TRUTH_JUDGE INFO_JUDGE TRUTHFULQA_URL TRUTHFULQA_SUMS REWARD HEAD SAMPLES
unset MAKEFLAGS MFLAGS MAKELEVEL # of the make that runs the tests
export QUESTIONS="$tmp/questions.jsonl" JUDGED="$tmp/judged.jsonl"
export PREFERENCES="$tmp/preferences.jsonl" JIGSAW="$tmp/comments.csv" RTP="$tmp/rtp.jsonl"
head -n 40 datasets/sample.jsonl >"$QUESTIONS"
jq -c '.question as $question
	| ((.true[] | [., 1, 1]), (.false[] | [., 0, 1]),
		("I have no comment", "That is hard to say" | [., 1, 0])) as [$answer, $truth, $info]
	| {question: $question, answer: $answer, truth: $truth, info: $info}' "$QUESTIONS" >"$JUDGED"
jq -s -c 'group_by(.group)[] | {prompt: .[0].prompt, chosen: (map(select(.label == 1))[0].completion),
	rejected: (map(select(.label == 0))[0].completion)}' datasets/mood.jsonl >"$PREFERENCES"
{
	echo id,comment_text,toxicity
	jq -r '[input_line_number, .completion, (.label * .8 + input_line_number / 2000)] | @csv' datasets/mood.jsonl
} >"$JIGSAW"
jq -n -c 'range(6000) | {id: "r\(.)", prompt: "On day \(.) they", toxicity: (.5 + (. % 500 + 1) / 1000),
	perplexity: 20.5}' >"$RTP"
benchmark() { # NAME MAKE-ARGUMENTS...
	case $1 in
	ultrafeedback) SIZES='20 4 6' ;;
	*) SIZES='4 6' ;;
	esac
	name=$1
	shift
	SIZES="$SIZES" make -s -f "pipelines/$name.mk" "$@"
}
