# A writer of nonsense: keeps which words follow which, how often each occurs, and what it wrote so far.
use strict;
use warnings;

open(my $file, '<', $ARGV[0]) or die "$ARGV[0]: $!\n";
my $text;
read($file, $text, -s $file);
close($file);

my (%after, %count);
for my $line (split /\n/, $text) {
    my $last = '';
    for my $word ($line =~ />([^<]*)/g) {
        for my $one ($word =~ /[a-z]+/g) {
            $count{$one}++;
            push @{$after{$last}}, $one if length $last;
            $last = $one;
        }
    }
}

my @written;
my $state = 1;
for my $number (1 .. 3000) {
    my $word = (sort { $count{$b} <=> $count{$a} || $a cmp $b } (sort keys %count)[$number .. $number + 20])[0];
    my @words;
    while (defined $word && @words < 30) {
        push @words, $word;
        my $next = $after{$word} or last;
        $state = ($state * 69069 + 1) % 4294967296;
        $word = $next->[($state >> 8) % @$next];
    }
    push @written, { number => $number, words => \@words, line => join(' ', @words) };
}

$| = 1;
print "ready\n";
<STDIN>;
