# Every SQL example of README and docs runs from its page's text alone, statement by statement, as whom the page names
use strict;
use warnings;
use lib 't';
use Book;
use PostgreSQL::Test::Utils;
use Test::More;

# What may be complained of, by a piece of the example's text, and why
my %except = (
	'CREATE PUBLICATION books' => { says => qr/WARNING:  wal_level is insufficient/, why => 'the page says that wal_level needs a restart, which no statement can do' },
);

# What examples are to have shown at least, so that an example that finds nothing is no success
my %shows = (
	'README.md' => [ qr/^500\|/m, qr/^books\.customer\|500\|500\|succeeded$/m, qr/^Customer \d+\|\d+/m, qr/^ledger\.line\|\d+\|\d+\|succeeded$/m, qr/^CustInvc\|\d+/m ],
);

my ($only) = @ARGV ? @ARGV : ($ENV{BOOK_PAGE});
my %used;
my @pages = pages('..');
cmp_ok(scalar @pages, '>', 5, 'pages have examples');
for my $path (grep { !$only || index($_, $only) >= 0 } @pages)
{
	(my $name = $path) =~ s/\W+/_/g;
	my $book = Book->open($name);
	my ($shown, @complaints) = $book->run_page(read_page("../$path"), \%except);
	is(join("\n", @complaints), '', "$path: every statement runs");
	like($shown, $_, "$path: shows $_") for @{ $shows{$path} // [] };
	note($shown) if $only;
	$used{$_} = 1 for keys %{ $book->{excepted} };
	$book->{node}->stop;
}
is(join(', ', grep { !$used{$_} } sort keys %except), '', 'no exception is without use') unless $only;
done_testing();
