#!/usr/bin/perl
# corpus.pl FOLDER - writes a conformance corpus of the stream format, odesteer-stream(5).
#
# FOLDER gets one file for each case, and the list `index': on each line the file, "accept", "refuse" or "either", why,
# and what odesteer says, with tabs between them. A program that reads streams must read each file to be accepted
# without an error, and end with one for each file to be refused. NAME.jsonl has the records of the file NAME as JSON
# Lines.
use strict;
use warnings;
use IO::Compress::Gzip qw(gzip $GzipError);

my $folder = shift // die "usage: corpus.pl FOLDER\n";
mkdir $folder unless -d $folder;
open my $index, '>', "$folder/index" or die "$folder/index: $!\n";

# Values, as msgpack.
sub str { my $s = shift; my $n = length $s; ($n < 32 ? chr(0xa0 | $n) : pack('Cn', 0xda, $n)) . $s }
sub uint { my $i = shift; $i < 128 ? chr $i : $i < 65536 ? pack('Cn', 0xcd, $i) : pack('CN', 0xce, $i) }
sub float64 { pack 'Cd>', 0xcb, shift }
sub array { (@_ < 16 ? chr(0x90 | @_) : pack('Cn', 0xdc, scalar @_)) . join '', @_ }
sub map_of { my $n = @_ / 2; ($n < 16 ? chr(0x80 | $n) : pack('Cn', 0xde, $n)) . join '', @_ }
sub bin { pack('CC', 0xc4, length $_[0]) . $_[0] }
use constant { NIL => "\xc0", FALSE => "\xc2", TRUE => "\xc3" };

# A map of named values; undef leaves a field out.
sub named { my @f; while (my ($n, $v) = splice @_, 0, 2) { push @f, str($n), $v if defined $v } map_of(@f) }
# A header of examples, and one of activations. Fields given replace or join its own.
sub header {
	my ($own, @change) = @_;
	my @f = @$own;
	while (my ($n, $v) = splice @change, 0, 2) {
		my ($at) = grep { $_ % 2 == 0 && $f[$_] eq $n } 0 .. $#f;
		defined $at ? ($f[$at + 1] = $v) : push @f, $n, $v;
	}
	named(@f);
}
my @texts = (odesteer => str('stream'), version => uint(1), kind => str('examples'), chain => array());
my @acts = (odesteer => str('stream'), version => uint(1), kind => str('activations'), block => array(uint(3)),
	dim => uint(2), dtype => str('float32'), chain => array());
my @link = (tool => str('collect'), version => str('1'), argv => array());
sub end_record { my ($before, $count, @more) = @_; named(odesteer => str('end'), count => uint($count),
	crc32 => pack('CN', 0xce, crc32($before)), @more) }
sub stream { my ($head, @records) = @_; my $s = join '', $head, @records; $s . end_record($s, scalar @records) }
sub text { stream(header(\@texts), named(id => str('a'), x => shift)) }	# one record with this value
sub act { stream(header(\@acts), named(act => shift)) }			# one record with this activation
sub linked { stream(header(\@texts, chain => array(named(@_)))) }
sub nested { my ($begin, $n) = @_; text(($begin x ($n - 1)) . chr(ord($begin) & 0xf0)) }

sub crc32 {
	my $c = 0xffffffff;
	for my $b (unpack 'C*', shift) {
		$c ^= $b;
		$c = $c & 1 ? ($c >> 1) ^ 0xedb88320 : $c >> 1 for 1 .. 8;
	}
	$c ^ 0xffffffff;
}
sub zipped { my $in = shift; my $out; gzip(\$in, \$out) or die $GzipError; $out }

sub put {
	my ($verdict, $name, $why, $bytes, $says, $lines) = @_;
	open my $out, '>:raw', "$folder/$name" or die "$folder/$name: $!\n";
	print $out $bytes;
	close $out or die "$folder/$name: $!\n";
	print $index join("\t", $name, $verdict, $why, $says // ''), "\n";
	return unless defined $lines;
	open $out, '>:raw', "$folder/$name.jsonl" or die "$folder/$name.jsonl: $!\n";
	print $out $lines;
	close $out or die "$folder/$name.jsonl: $!\n";
}
sub accept_ { my ($name, $why, $bytes, $lines) = @_; put('accept', $name, $why, $bytes, '', $lines) }
sub refuse { put('refuse', @_) }

my $good = act(bin(pack 'f<2', 1.5, -0.25));
my $act = qq({"act":[1.5,-0.25]}\n);
my $pi = float64(3.14);

accept_('empty', 'a stream without records', stream(header(\@texts)), '');
accept_('activation', 'one activation', $good, $act);
accept_('float16', 'an activation of binary16', stream(header(\@acts, dtype => str('float16')),
	named(act => bin("\0\x3c\0\xb4"))), qq({"act":[1,-0.25]}\n));
accept_('gzip', 'a compressed stream', zipped($good), $act);
accept_('members', 'two gzip members', zipped(substr $good, 0, 50) . zipped(substr $good, 50), $act);
accept_('counters', 'an end record with counters',
	do { my $h = header(\@texts); $h . end_record($h, 0, steered => uint(7)) }, '');
accept_('encodings', 'any encoding of an integer',
	text(array("\xd3" . "\0" x 7 . "\1", "\xcc\1", "\xd0\xff", "\xcf" . "\xff" x 8)),
	qq({"id":"a","x":[1,1,-1,18446744073709551615]}\n));
accept_('scalars', 'nil, booleans, float32', text(array(NIL, TRUE, FALSE, "\xca\x3f\x80\0\0")),
	qq({"id":"a","x":[null,true,false,1.0]}\n));
accept_('nul', 'a NUL in a value', text(str("a\0b")), qq({"id":"a","x":"a\\u0000b"}\n));
accept_('nested-32', '32 levels of arrays', nested("\x91", 31), '{"id":"a","x":' . '[' x 31 . ']' x 31 . qq(}\n));
accept_('fields-1024', '1024 fields', stream(header(\@texts), map_of(map { (str("f$_"), uint(1)) } 1 .. 1024)),
	'{' . join(',', map { qq("f$_":1) } 1 .. 1024) . qq(}\n));
put('either', 'inner-twice', 'a name twice in an inner map, which need not be found',
	text(map_of(str('a'), uint(1), str('a'), uint(2))));
accept_('link', 'a link of the chain with all its fields',
	linked(@link, seed => uint(7), side => named('b.ods' => str('0a')),
	metric => str('judge'), field => str('warm'), by => str('m 01')));
accept_('link-unknown', 'a link with an unknown field', linked(@link, host => TRUE));
accept_('links', 'a chain of 1023 links, so that another tool can add its own',
	stream(header(\@texts, chain => array((named(@link)) x 1023))));
accept_('label', 'labels of both types', stream(header(\@texts), named(label => TRUE), named(label => uint(0))),
	qq({"label":true}\n{"label":0}\n));
accept_('lines', 'JSON Lines without a header', qq({"prompt":"a"}\n\n {"prompt":"b","n":1.5}),
	qq({"prompt":"a"}\n{"prompt":"b","n":1.5}\n));
accept_('lines-header', 'JSON Lines with a header',
	qq({"kind":"activations","odesteer":"stream","version":1,"block":[3],) .
	qq("dim":2,"dtype":"float32","chain":[]}\n{"act":[1,-2e-3]}\n), qq({"act":[1,-0.00200000009]}\n));
accept_('lines-gzip', 'compressed JSON Lines', zipped(qq({"prompt":"a"}\n)), qq({"prompt":"a"}\n));

refuse('nothing', 'no bytes at all', '', 'is empty');
refuse('other', 'another format', "\x89PNG\r\n\x1a\n" . "\0" x 16, 'is neither an odesteer stream nor JSON Lines');
refuse('no-header', 'a record without a header', named(id => uint(1)), 'is neither an odesteer stream nor JSON Lines');
refuse('header-end', 'an end record instead of a header', end_record('', 0), 'has no header');
refuse('header-nul', 'a mark with a NUL and more after it',
	stream(header(\@texts, odesteer => str("stream\0x"))), 'has no header');
refuse('header-late', 'a mark that is not the first field',
	stream(named(version => uint(1), @texts[0, 1, 4 .. 7])), 'is neither');
for ([version => NIL], [version => uint(2), 'format version 2'], [version => TRUE], [version => float64(1)],
	[kind => uint(1)], [kind => str("examples\0")], [kind => str('poems'), "unknown kind 'poems'"],
	[model => NIL], [model => str("a\0b")],
	[digest => str('aa')], [chain => NIL], [chain => uint(1)], [chain => array(uint(1)), "'chain'"],
	[chain => undef], [kind => undef], [version => undef]) {
	my ($name, $v, $says) = @$_;
	my $n = 1 + grep { -e "$folder/header-$name-$_" } 1 .. 9;
	refuse("header-$name-$n", "a wrong or missing $name", stream(header(\@texts, $name => $v)),
		$says // "'$name' is missing or wrong");
}
for ([block => NIL], [block => array()], [block => array(float64(3))], [block => array($pi)], [block => array(TRUE)],
	[block => array("\xff")], [block => array(uint(1000001))], [block => undef], [block => uint(3)],
	[dim => uint(0)], [dim => TRUE], [dim => float64(2)], [dim => uint(67108865)], [dim => undef],
	[dtype => str('float64')],
	[dtype => str("float32\0")], [dtype => uint(4)], [dtype => NIL], [dtype => undef]) {
	my ($name, $v) = @$_;
	my $n = 1 + grep { -e "$folder/act-$name-$_" } 1 .. 9;
	refuse("act-$name-$n", "a wrong or missing $name", stream(header(\@acts, $name => $v)),
		$name eq 'dim' && !defined $v ? "'dtype' is missing or wrong" : "'$name' is missing or wrong");
}
refuse('header-unknown', 'an unknown field in the header',
	stream(header(\@texts, colour => str('red'))), "unknown field 'colour'");
refuse('header-twice', 'a name twice in the header',
	stream(map_of((map { $_ % 2 ? $texts[$_] : str($texts[$_]) } 0 .. $#texts), str('kind'), str('examples'))),
	"field 'kind' occurs twice");
for ([tool => NIL], [tool => str("a\0")], [version => uint(1)], [argv => str('-l')], [argv => array(uint(1))],
	[argv => array(str("a\0b"))], [seed => "\xff"], [seed => NIL], [seed => float64(1)], [side => array()],
	[side => named(a => uint(1))], [side => map_of(str('a'), str("b\0"))], [by => uint(1)], [metric => NIL],
	[field => str("a\0")]) {
	my ($name, $v) = @$_;
	my %link = (@link, $name => $v);
	my $n = 1 + grep { -e "$folder/link-$name-$_" } 1 .. 9;
	refuse("link-$name-$n", "a wrong $name in the chain", linked(map { ($_, $link{$_}) } sort keys %link),
		"'chain' is missing or wrong");
}
refuse('links-1025', 'a chain of 1025 links',
	stream(header(\@texts, chain => array((named(@link)) x 1025))), '1025 links, more than 1024');
refuse('record-not-map', 'a record that is not a map', stream(header(\@texts), array()), 'it is not a map');
refuse('record-reserved', 'a record with the reserved name',
	stream(header(\@texts), named(id => uint(1), odesteer => uint(1))), "'odesteer' is reserved");
refuse('record-twice', 'a name twice in a record',
	stream(header(\@texts), map_of(str('a'), uint(1), str('a'), uint(2))), "field 'a' occurs twice");
refuse('record-name', 'a name that is not a string',
	stream(header(\@texts), map_of(uint(1), uint(1))), 'a field name is not a string');
refuse('record-name-inner', 'an inner name that is not a string',
	text(map_of(NIL, uint(1))), 'a field name is not a string');
refuse('record-name-nul', 'a name with a NUL',
	stream(header(\@texts), map_of(str("a\0"), uint(1))), 'a field name holds a NUL');
refuse('record-utf8', 'text that is not UTF-8', text(str("\xff")), 'text that is not UTF-8');
refuse('record-surrogate', 'a surrogate in UTF-8', text(str("\xed\xa0\x80")), 'text that is not UTF-8');
refuse('record-overlong', 'an overlong form in UTF-8', text(str("\xc0\x80")), 'text that is not UTF-8');
refuse('record-ext', 'an extension type', text("\xd4\1\0"), 'extension type');
refuse('record-bin', 'a binary value', text(bin('x')), "a field other than 'act' is binary");
refuse('record-unused', 'a byte that msgpack does not use', text("\xc1"), 'it is not msgpack');
refuse('record-nan', 'a number that is not finite',
	text("\xcb\x7f\xf8" . "\0" x 6), "field 'x' holds a number that is not finite");
refuse('record-inf', 'an infinite float32 in an array',
	text(array("\xca\x7f\x80\0\0")), "field 'x' holds a number that is not finite");
refuse('record-fields', '1025 fields',
	stream(header(\@texts), map_of(map { (str("f$_"), uint(1)) } 1 .. 1025)), '1025 fields, more than 1024');
refuse('record-nested', '33 levels of arrays', nested("\x91", 32), 'nested deeper than 32');
refuse('record-claim', 'a string of 4 GiB that is not there',
	header(\@texts) . map_of(str('x'), "\xdb\xff\xff\xff\xff"), 'bigger than 1024 MiB');
refuse('record-act', 'an activation in a stream of examples',
	stream(header(\@texts), named(act => bin("\0" x 8))), "field 'act' in a stream of examples");
refuse('act-none', 'no activation', stream(header(\@acts), named(id => uint(1))), "no field 'act'");
refuse('act-nil', 'no activation but nil', act(NIL), "no field 'act'");
refuse('act-short', 'an activation of one number', act(bin("\0" x 4)), "4 bytes, not the 8 of 2 numbers");
refuse('act-long', 'an activation of three numbers', act(bin("\0" x 12)), "12 bytes, not the 8 of 2 numbers");
refuse('act-array', 'an activation that is not binary', act(array($pi, $pi)), "field 'act' is not binary");
refuse('act-nan', 'an activation that is not finite', act(bin(pack 'f<2', 1, 9**9**9)), 'not finite');
refuse('act-nan-16', 'the same in binary16',
	stream(header(\@acts, dtype => str('float16')), named(act => bin("\0\x7c\0\0"))), 'not finite');
refuse('cut-header', 'a stream cut in its header', substr($good, 0, 40), 'is truncated');
refuse('cut-record', 'a stream cut in a record', substr($good, 0, 90), 'is truncated');
refuse('cut-between', 'a stream cut before its end record',
	substr($good, 0, length($good) - length(end_record($good, 1))), 'is truncated');
refuse('cut-end', 'a stream cut in its end record', substr($good, 0, -1), 'is truncated');
refuse('end-count', 'a wrong count', do { my $h = header(\@texts); $h . end_record($h, 1) }, 'is damaged');
refuse('end-crc32', 'a wrong crc32', do { my $h = header(\@texts); $h . end_record("x$h", 0) }, 'is damaged');
refuse('end-float', 'a count that is not an integer',
	do { my $h = header(\@texts); $h . named(odesteer => str('end'), count => float64(0),
	crc32 => pack('CN', 0xce, crc32($h))) }, 'lacks its count or crc32');
refuse('end-no-crc32', 'no crc32',
	do { my $h = header(\@texts); $h . named(odesteer => str('end'), count => uint(0)) },
	'lacks its count or crc32');
refuse('after-end', 'bytes after the end record', "$good\0", 'after its end record');
refuse('two-streams', 'two streams in one file', $good x 2, 'after its end record');
refuse('two-headers', 'a second header', header(\@texts) . stream(header(\@texts)), 'second header');
refuse('gzip-cut', 'a compressed stream cut short', substr(zipped($good), 0, -12), 'truncated');
refuse('gzip-damaged', 'a compressed stream with another checksum',
	do { my $z = zipped($good); substr($z, -8, 4) = 'abcd'; $z }, 'damaged');
refuse('gzip-more', 'bytes after a gzip member', zipped($good) . 'more', '');
refuse('lines-blank', 'only blank lines', "\n \n", 'is empty');
refuse('lines-array', 'a line that is not an object', qq({"a":1}\n[1]\n), 'not a JSON object');
refuse('lines-cut', 'a line that is cut', qq({"a":1}\n{"a":\n), 'it is not JSON');
refuse('lines-twice', 'a name twice, at any depth', qq({"a":{"b":1,"b":2}}\n), 'it is not JSON');
refuse('lines-nan', 'NaN', qq({"a":NaN}\n), 'it is not JSON');
refuse('lines-huge', 'a number that float64 cannot hold', qq({"a":1e999}\n), 'it is not JSON');
refuse('lines-utf8', 'text that is not UTF-8', qq({"a":"\xff"}\n), 'it is not JSON');
refuse('lines-act', 'an activation with a number too large for float32',
	qq({"odesteer":"stream","version":1,"kind":"activations",) .
	qq("block":[3],"dim":1,"dtype":"float32","chain":[]}\n{"act":[1e39]}\n), 'holds inf');
close $index or die "$folder/index: $!\n";
