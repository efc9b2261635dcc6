#!/usr/bin/perl
# random.pl DIM BLOCKS FF HEADS KV-HEADS TOKENS - writes a GGUF file of the architecture llama in Q8_0 with random
# weights, to measure speed, which does not depend on them. Tokens are bytes, and others that no text has. The shape
# of Llama-3.2-1B, 1.3 GB: random.pl 2048 16 8192 32 8 128256
use strict;
use warnings;

sub fail { print STDERR @_, "\n"; exit($_[0] =~ /^usage/ ? 2 : 1) }
@ARGV == 6 or fail('usage: random.pl DIM BLOCKS FF HEADS KV-HEADS TOKENS');
my ($dim, $blocks, $ff, $heads, $kv_heads, $tokens) = @ARGV;
$dim % 32 == 0 && $ff % 32 == 0 && $dim % $heads == 0 && $heads % $kv_heads == 0 && $tokens > 259
	or fail('random.pl: this is no shape');
my $kv = $dim / $heads * $kv_heads;

# The parts of a GGUF file (docs/gguf.md of ggml).
sub text { return pack 'Q< a*', length $_[0], $_[0] }
sub key { return text(shift) . pack 'L< a*', @_ }
sub word { return key("llama.$_[0]", 4, pack 'L<', $_[1]) }
sub array { my ($k, $type, @v) = @_; return key($k, 9, pack 'L< Q< a*', $type, scalar @v, join '', @v) }
my @keys = (key('general.architecture', 8, text('llama')), key('general.name', 8, text("random $dim x $blocks")),
	word(context_length => 4096), word(embedding_length => $dim), word(block_count => $blocks),
	word(feed_forward_length => $ff), word('attention.head_count' => $heads),
	word('attention.head_count_kv' => $kv_heads), key('llama.attention.layer_norm_rms_epsilon', 6, pack 'f<', 1e-5),
	key('tokenizer.ggml.model', 8, text('llama')),
	array('tokenizer.ggml.tokens', 8, map { text($_) } '<unk>', '<s>', '</s>',
		(map { sprintf '<0x%02X>', $_ } 0 .. 255), map { "<unused$_>" } 1 .. $tokens - 259),
	array('tokenizer.ggml.scores', 6, (pack 'f<', 0) x $tokens),
	array('tokenizer.ggml.token_type', 5, map { pack 'l<', $_ } 2, 3, 3, (6) x 256, (1) x ($tokens - 259)));

# name, columns, rows; no rows: a vector of ones
my @tensors = (['token_embd', $dim, $tokens], ['output_norm', $dim], ['output', $dim, $tokens]);
for my $b (0 .. $blocks - 1) {
	push @tensors, ["blk.$b.attn_norm", $dim], ["blk.$b.ffn_norm", $dim], ["blk.$b.attn_q", $dim, $dim],
		["blk.$b.attn_k", $dim, $kv], ["blk.$b.attn_v", $dim, $kv], ["blk.$b.attn_output", $dim, $dim],
		["blk.$b.ffn_gate", $dim, $ff], ["blk.$b.ffn_up", $dim, $ff], ["blk.$b.ffn_down", $ff, $dim];
}
my ($info, $at) = ('', 0);
for (@tensors) {
	my ($name, $columns, $rows) = @$_;
	my @shape = defined $rows ? ($columns, $rows) : ($columns);

	$info .= text("$name.weight") . pack('L< Q<*', scalar @shape, @shape) .
		pack('L< Q<', defined $rows ? 8 : 0, $at);
	$_->[3] = defined $rows ? $columns * $rows / 32 * 34 : 4 * $columns;
	$at += $_->[3] + -$_->[3] % 32;
}
# blocks of 32 numbers: a scale of 2^-12 in float16, then bytes
srand 1;
my $some = join '', map { pack 'S< c32', 0x0c00, map { int(rand 255) - 127 } 1 .. 32 } 1 .. 9973;
my $head = 'GGUF' . pack('L< Q< Q<', 3, scalar @tensors, scalar @keys) . join('', @keys) . $info;
binmode STDOUT;
print $head, "\0" x (-length($head) % 32);
for (@tensors) {
	my ($columns, $bytes) = @$_[1, 3];

	if (defined $_->[2]) {
		for (my $left = $bytes; $left > 0; $left -= length $some) {
			print $left < length $some ? substr $some, 0, $left : $some;
		}
	} else {
		print pack('f<', 1) x $columns;
	}
	print "\0" x (-$bytes % 32);
}
close STDOUT or fail("random.pl: cannot write: $!");
