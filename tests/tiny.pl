#!/usr/bin/perl
# tiny.pl - models so small that what they give can be computed here, for tests of what libllama computes.
#
#   tiny.pl decoder              a GGUF file: a decoder of the architecture llama whose tokens are bytes
#   tiny.pl head                 a .npy file: a head of that decoder, float32 of shape [1, dim]
#   tiny.pl reward TEXT [N]      the head's value after TEXT, or after its first N tokens
#   tiny.pl kl PROMPT COMPLETION NUMBER ...
#                                that decoder's divergence at each token of the completion, if this vector is added
#                                to the output of its block
#   tiny.pl mamba                a GGUF file: a recurrent decoder of the same tokens, with two blocks
#   tiny.pl encoder LABEL ...    a GGUF file: a classifier of the architecture bert with these classes; -: without names
#   tiny.pl logits N TEXT        what an encoder with N classes gives to TEXT, words of one letter each
#
# Queries and keys are 0, so that every token attends equally to all that it sees; values are copied, and feed-forward
# layers are 0. All other weights are sines. The recurrent one is only there to be run.
use strict;
use warnings;

my ($dim, $context, $eps) = (32, 256, 1e-5);

sub weights { # SEED N: n numbers
	my ($seed, $n) = @_;
	return map { sin($seed + 1.7 * $_) } 1 .. $n;
}
sub small { return map { $_ / 4 } weights(@_) }
sub diagonal { # VALUE: a matrix
	my ($v) = @_;
	return map { my $i = $_; map { $_ == $i ? $v : 0 } 1 .. $dim } 1 .. $dim;
}
my @zero = (0) x ($dim * $dim);
my @bytes = map { sprintf '<0x%02X>', $_ } 0 .. 255;
my @decoder_tokens = ('<unk>', '<s>', '</s>', @bytes);
my @encoder_tokens = ('[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', map { "\xe2\x96\x81$_" } 'a' .. 'z');
my @embedding = weights(1, $dim * @decoder_tokens);
my @position = weights(5, $dim * $context);
my @type = weights(6, $dim);
my @norm = map { 1.2 + $_ / 2 } weights(2, $dim);
my @head = weights(3, $dim);
my @dense = weights(7, $dim * $dim);
my @dense_bias = weights(8, $dim);

# The parts of a GGUF file (docs/gguf.md of ggml).
sub text { return pack 'Q< a*', length $_[0], $_[0] }
sub key { return text(shift) . pack 'L< a*', @_ }
sub word { return key($_[0], 4, pack 'L<', $_[1]) }
sub real { return key($_[0], 6, pack 'f<', $_[1]) }
sub flag { return key($_[0], 7, pack 'C', $_[1]) }
sub name { return key($_[0], 8, text($_[1])) }
sub array { my ($k, $type, @v) = @_; return key($k, 9, pack 'L< Q< a*', $type, scalar @v, join '', @v) }

sub gguf { # KEYS TENSORS: writes a file; a tensor is [name, columns, numbers ...]
	my ($keys, $tensors) = @_;
	my ($info, $data) = ('', '');

	for (@$tensors) {
		my ($name, $columns, @v) = @$_;
		my @shape = @v > $columns ? ($columns, @v / $columns) : ($columns);
		$info .= text($name) . pack 'L< Q<* ', scalar @shape, @shape;
		$info .= pack 'L< Q<', 0, length $data;
		$data .= pack 'f<*', @v;
		$data .= "\0" x (-length($data) % 32);
	}
	my $head = 'GGUF' . pack('L< Q< Q<', 3, scalar @$tensors, scalar @$keys) . join('', @$keys) . $info;
	print $head, "\0" x (-length($head) % 32), $data;
}
sub common { # ARCHITECTURE
	my ($a) = @_;
	return (name('general.architecture', $a), name('general.name', "tiny $a"), word("$a.context_length", $context),
		word("$a.embedding_length", $dim), word("$a.block_count", 1), word("$a.feed_forward_length", $dim),
		word("$a.attention.head_count", 1));
}
sub bytes { # the keys of the decoders' tokenizer
	return (name('tokenizer.ggml.model', 'llama'), flag('tokenizer.ggml.add_space_prefix', 0),
		array('tokenizer.ggml.tokens', 8, map { text($_) } @decoder_tokens),
		array('tokenizer.ggml.scores', 6, (pack 'f<', 0) x @decoder_tokens),
		array('tokenizer.ggml.token_type', 5, map { pack 'l<', $_ } 2, 3, 3, (6) x 256));
}
sub decoder {
	gguf([common('llama'), real('llama.attention.layer_norm_rms_epsilon', $eps), bytes(),
		name('tokenizer.chat_template', '<|start_header_id|>{{ role }}<|end_header_id|>')],
		[['token_embd.weight', $dim, @embedding], ['output_norm.weight', $dim, @norm],
		['blk.0.attn_norm.weight', $dim, (1) x $dim], ['blk.0.ffn_norm.weight', $dim, (1) x $dim],
		(map { ["blk.0.$_.weight", $dim, @zero] } qw(attn_q attn_k ffn_gate ffn_up ffn_down)),
		(map { ["blk.0.$_.weight", $dim, diagonal(1)] } qw(attn_v attn_output))]);
}
sub mamba {
	my ($inner, $state, $rank, $kernel) = (2 * $dim, 16, 2, 4);
	my @a = map { $_ - 0.5 } small(11, $state * $inner);
	my @tensors = (['token_embd.weight', $dim, @embedding], ['output_norm.weight', $dim, @norm]);

	for my $b ('blk.0', 'blk.1') {
		push @tensors, ["$b.attn_norm.weight", $dim, @norm],
			["$b.ssm_in.weight", $dim, small(12, $dim * 2 * $inner)],
			["$b.ssm_conv1d.weight", $kernel, small(13, $kernel * $inner)],
			["$b.ssm_conv1d.bias", $inner, small(14, $inner)],
			["$b.ssm_x.weight", $inner, small(15, $inner * ($rank + 2 * $state))],
			["$b.ssm_dt.weight", $rank, small(16, $rank * $inner)],
			["$b.ssm_dt.bias", $inner, small(17, $inner)], ["$b.ssm_a", $state, @a],
			["$b.ssm_d", $inner, small(18, $inner)],
			["$b.ssm_out.weight", $inner, small(19, $inner * $dim)];
	}
	gguf([name('general.architecture', 'mamba'), name('general.name', 'tiny mamba'),
		word('mamba.context_length', $context), word('mamba.embedding_length', $dim),
		word('mamba.block_count', 2), word('mamba.feed_forward_length', 0),
		word('mamba.attention.head_count', 0), word('mamba.ssm.conv_kernel', $kernel),
		word('mamba.ssm.inner_size', $inner), word('mamba.ssm.state_size', $state),
		word('mamba.ssm.time_step_rank', $rank), real('mamba.attention.layer_norm_rms_epsilon', $eps),
		bytes()], \@tensors);
}
sub encoder {
	my @label = @_;
	my $n = @label;
	my @norms = map { ["$_.weight", $dim, @norm], ["$_.bias", $dim, (0) x $dim] }
		qw(token_embd_norm blk.0.attn_output_norm blk.0.layer_output_norm);

	gguf([common('bert'), real('bert.attention.layer_norm_epsilon', $eps), flag('bert.attention.causal', 0),
		word('bert.pooling_type', 4), name('tokenizer.ggml.model', 'bert'),
		word('tokenizer.ggml.token_type_count', 1),
		word('tokenizer.ggml.bos_token_id', 2), word('tokenizer.ggml.unknown_token_id', 1),
		word('tokenizer.ggml.seperator_token_id', 3),
		array('tokenizer.ggml.tokens', 8, map { text($_) } @encoder_tokens),
		array('tokenizer.ggml.token_type', 5, map { pack 'l<', $_ } (3) x 5, (1) x 26),
		array('bert.classifier.output_labels', 8, map { text($_ eq '-' ? '' : $_) } @label)],
		[['token_embd.weight', $dim, @embedding[0 .. $dim * @encoder_tokens - 1]],
		['token_types.weight', $dim, @type], ['position_embd.weight', $dim, @position], @norms,
		(map { ["blk.0.$_.weight", $dim, @zero] } qw(attn_q attn_k ffn_up ffn_down)),
		(map { ["blk.0.$_.weight", $dim, diagonal(1)] } qw(attn_v attn_output)),
		(map { ["blk.0.$_.bias", $dim, (0) x $dim] } qw(attn_q attn_k attn_v attn_output ffn_up ffn_down)),
		['cls.weight', $dim, @dense], ['cls.bias', $dim, @dense_bias],
		['cls.output.weight', $dim, weights(9, $dim * $n)], ['cls.output.bias', $n, weights(10, $n)]]);
}

# What they compute.
sub row { my ($v, $i) = @_; return [@$v[$dim * $i .. $dim * $i + $dim - 1]] }
sub dot { my ($x, $y) = @_; my $s = 0; $s += $x->[$_] * $y->[$_] for 0 .. $dim - 1; return $s }
sub add { my ($x, $y) = @_; return [map { $x->[$_] + $y->[$_] } 0 .. $dim - 1] }
sub scale { my ($x, $by) = @_; return [map { $_ * $by } @$x] }
sub product { my ($x, $y) = @_; return [map { $x->[$_] * $y->[$_] } 0 .. $dim - 1] }
sub rms_norm { my ($x) = @_; return scale($x, 1 / sqrt(dot($x, $x) / $dim + $eps)) }
sub layer_norm {
	my ($x) = @_;
	my $mean = dot($x, [(1) x $dim]) / $dim;
	return product(rms_norm([map { $_ - $mean } @$x]), \@norm);
}
sub mean { my $s = [(0) x $dim]; $s = add($s, $_) for @_; return scale($s, 1 / @_) }

sub reward {
	my ($text, $n) = @_;
	(my $escaped = $text) =~ s/ /\xe2\x96\x81/g;
	my @x = map { row(\@embedding, $_) } 1, map { 3 + ord } split //, $escaped;

	splice @x, $n if defined $n;
	printf "%.6f\n", dot(\@head, product(rms_norm(add($x[-1], mean(map { rms_norm($_) } @x))), \@norm));
}
sub distribution { # ACTIVATION: of the next token
	my $y = product(rms_norm($_[0]), \@norm);
	my @e = map { exp dot(row(\@embedding, $_), $y) } 0 .. $#decoder_tokens;
	my $sum = 0;

	$sum += $_ for @e;
	return map { $_ / $sum } @e;
}
sub kl {
	my ($prompt, $completion, @v) = @_;
	my @x = map { row(\@embedding, $_) } 1, map { 3 + ord } split //, $prompt . $completion;

	for my $at (length $prompt .. $#x - 1) {
		my $act = add($x[$at], mean(map { rms_norm($_) } @x[0 .. $at]));
		my ($kl, @p, @q) = (0);

		@q = distribution($act);
		@p = distribution(add($act, \@v));
		$kl += $p[$_] * log($p[$_] / $q[$_]) for 0 .. $#p;
		printf "%.6f\n", $kl;
	}
}
sub logits {
	my ($n, $text) = @_;
	my @token = (2, (map { 5 + ord($_) - ord 'a' } split ' ', $text), 3);
	my @x = map {
		layer_norm(add(add(row(\@embedding, $token[$_]), \@type), row(\@position, $_)))
	} 0 .. $#token;
	my $x = layer_norm(layer_norm(add($x[0], mean(@x))));
	my $pooled = [map { 1 - 2 / (1 + exp(2 * (dot(row(\@dense, $_), $x) + $dense_bias[$_]))) } 0 .. $dim - 1];
	my @w = weights(9, $dim * $n);
	my @bias = weights(10, $n);

	printf "%.6f\n", dot(row(\@w, $_), $pooled) + $bias[$_] for 0 .. $n - 1;
}
sub head {
	my $shape = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, $dim), }";
	print "\x93NUMPY\1\0", pack('v', length $shape), $shape, pack 'f<*', @head;
}

binmode STDOUT;
my %command = (decoder => \&decoder, head => \&head, reward => \&reward, kl => \&kl, mamba => \&mamba,
	encoder => \&encoder, logits => \&logits);
my $command = shift;
$command{$command}->(@ARGV);
