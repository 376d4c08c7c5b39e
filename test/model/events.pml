/*
 * events.pml
 *		Consumers between snapshots, as ingest/event/consumer.c reads them: is each
 *		event that was committed acknowledged once, and no other?
 *
 * Emitters get a transaction id, draw ids of events and end, each at any moment.  One
 * consumer reads, acknowledges all or a part, emits, commits or rolls back.  Once, at any
 * moment, the server may crash: what had not committed is gone, transaction ids of which
 * nothing was written down and ids of events drawn since the last commit are given again.
 *
 * With -DOLD the earlier protocol: the floor from the snapshot's xmax, the sequence
 * read after the snapshot, the own transaction not in the snapshot.
 */
#ifndef EMITTERS
#define EMITTERS 2
#endif
#ifndef ROUNDS
#define ROUNDS 3 /* transactions of the consumer before it drains */
#endif
#define XIDS 14
#define IDS 12
#define NONE 0
/* That each part is needed: -DLISTED=false leaves the own transaction out, -DLATE reads the sequence last */
#ifndef LISTED
#define LISTED true
#endif

#define RUNNING 1
#define COMMITTED 2
#define ABORTED 3

byte xact[XIDS];   /* state of each transaction id; 0: not given yet */
byte next_xid = 1;
byte latest = 0;   /* the greatest that has ended */
byte drawn = 0;    /* the sequence */
byte writer[IDS];  /* an event's transaction */
byte acked[IDS];   /* how often it was acknowledged, in transactions that committed */

byte logged_xid = 0; /* what a crash cannot take back: the greatest xid in the log, */
byte logged_id = 0;  /* and the sequence, when somebody committed last */
byte crashes = 0;
byte ended = 0;      /* emitters that have ended */

typedef Snapshot
{
	byte xmin;
	byte xmax;
	short xip; /* a bit for each that ran */
};

#define sees(s, x) ((x) < s.xmin || ((x) < s.xmax && !(s.xip & (1 << (x)))))

/* GetSnapshotData: xmax is one more than the latest that has ended; the own one is not listed, but bounds xmin */
inline take_snapshot(s, own)
{
	d_step {
		s.xmax = latest + 1;
		s.xmin = s.xmax;
		s.xip = 0;
		i = 1;
		do
		:: i < s.xmax ->
			if
			:: xact[i] == RUNNING && i != own -> s.xip = s.xip | (1 << i); if :: i < s.xmin -> s.xmin = i :: else fi
			:: xact[i] == RUNNING && i == own && i < s.xmin -> s.xmin = i
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0
	}
}

inline copy_snapshot(to, from)
{
	to.xmin = from.xmin; to.xmax = from.xmax; to.xip = from.xip
}

inline get_xid(x)
{
	d_step { x = next_xid; xact[x] = RUNNING; next_xid++ }
}

inline write_event(x)
{
	d_step { drawn++; writer[drawn] = x }
}

/* Whoever commits flushes the log up to here: all that have ended, and all that have written */
inline flush()
{
	i = 1;
	do
	:: i < next_xid -> if :: xact[i] == COMMITTED || xact[i] == ABORTED -> logged_xid = i :: else fi; i++
	:: else -> break
	od;
	i = 1;
	do
	:: i <= drawn -> if :: writer[i] > logged_xid -> logged_xid = writer[i] :: else fi; i++
	:: else -> break
	od;
	i = 0;
	logged_id = drawn
}

inline end_xact(x, how)
{
	d_step {
		xact[x] = how;
		if :: x > latest -> latest = x :: else fi;
		if :: how == COMMITTED -> flush() :: else fi
	}
}

/* A transaction id that was given before a crash is somebody else's after it */
proctype emitter()
{
	byte x, i, mine;

	mine = crashes;
	atomic { if :: mine == crashes -> get_xid(x) :: else -> goto out fi };
	atomic { if :: mine == crashes -> write_event(x) :: else -> goto out fi };
#ifdef TWICE
	atomic { if :: mine == crashes -> write_event(x) :: else -> goto out fi };
#endif
	atomic {
		if
		:: mine != crashes
		:: else ->
			if
			:: end_xact(x, COMMITTED)
			:: end_xact(x, ABORTED)
			fi
		fi
	};
out:
	atomic { i = 0; x = 0; mine = 0; ended++ }
}

/* What is stored of the consumer, and what its transaction makes of it */
typedef Position
{
	Snapshot seen;
	Snapshot open;
	bool is_open;
	byte last_id;
	byte floor_id;
	bool has_next;
	byte next_xid;
	byte next_id;
};

Position stored, p;

inline copy_position(to, from)
{
	copy_snapshot(to.seen, from.seen);
	copy_snapshot(to.open, from.open);
	to.is_open = from.is_open; to.last_id = from.last_id; to.floor_id = from.floor_id;
	to.has_next = from.has_next; to.next_xid = from.next_xid; to.next_id = from.next_id
}

inline close_batch()
{
	d_step {
		copy_snapshot(p.seen, p.open);
		p.is_open = false;
		p.last_id = 0;
		if
		:: p.has_next && p.next_xid <= p.seen.xmin -> p.floor_id = p.next_id; p.has_next = false
		:: else
		fi;
		/* what means none is the same in all states */
		p.open.xmin = 0; p.open.xmax = 0; p.open.xip = 0;
		if :: !p.has_next -> p.next_xid = 0; p.next_id = 0 :: else fi
	}
}

#define in_batch(x) (!sees(p.seen, x) && sees(p.open, x))
#define is_visible(x, m) ((x) == own || (xact[x] == COMMITTED && sees(m, x)))

/* Events of the batch that the statement's own snapshot shows: as bits */
inline find(m)
{
	d_step {
		found = 0;
		i = 1;
		do
		:: i <= drawn ->
			if
			:: i > p.floor_id && i > p.last_id && in_batch(writer[i]) && is_visible(writer[i], m) ->
				found = found | (1 << i)
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0
	}
}

/* Ends the transaction if the server crashed meanwhile */
#define alive(step) atomic { if :: mine == crashes -> step :: else -> goto gone fi }

active proctype consumer()
{
	Snapshot now, first;
	byte own, i, round, last, id, mine;
	bool repeatable, fresh, draining, nothing;
	short found, taken;

	stored.seen.xmin = 1; stored.seen.xmax = 1;
	i = 0;
	do
	:: i < EMITTERS -> run emitter(); i++
	:: else -> break
	od;
	i = 0;
	do
	:: round < ROUNDS + 5 ->
		round++;
		draining = round > ROUNDS;
		if :: draining -> ended == EMITTERS :: else fi;
		mine = crashes;
		nothing = false;
		if
		:: !draining -> repeatable = true; alive(take_snapshot(first, NONE))
		:: repeatable = false
		fi;
		if
		:: !draining -> alive(get_xid(own); write_event(own))
		:: skip
		fi;
		/* SELECT FOR UPDATE: a transaction id if it has none yet */
		alive(copy_position(p, stored); if :: own == NONE -> get_xid(own) :: else fi);
		taken = 0;
		fresh = false;
		do
		:: true ->
			if
			:: p.is_open ->
				if
				:: repeatable -> alive(copy_snapshot(now, first))
				:: else -> alive(take_snapshot(now, own))
				fi;
				alive(find(now));
				if
				:: found != 0 -> break
				:: else ->
					close_batch();
					if :: fresh -> nothing = true; break :: else fi
				fi
			:: else
			fi;
#ifdef OLD
			if :: repeatable -> alive(copy_snapshot(now, first)) :: else -> alive(take_snapshot(now, own)) fi;
			alive(copy_snapshot(p.open, now); id = drawn);
			d_step { if :: !p.has_next -> p.has_next = true; p.next_xid = p.open.xmax; p.next_id = id :: else fi };
#else
#ifdef LATE
			alive(if :: !p.has_next -> p.next_xid = next_xid :: else fi);
			alive(if :: !p.has_next -> p.has_next = true; p.next_id = drawn :: else fi);
#else
			alive(id = drawn);
			alive(if :: !p.has_next -> p.has_next = true; p.next_xid = next_xid; p.next_id = id :: else fi);
#endif
			if :: repeatable -> alive(copy_snapshot(now, first)) :: else -> alive(take_snapshot(now, own)) fi;
			d_step {
				copy_snapshot(p.open, now);
				/* the own transaction is one that runs */
				if
				:: LISTED && own < p.open.xmax -> p.open.xip = p.open.xip | (1 << own); if :: own < p.open.xmin -> p.open.xmin = own :: else fi
				:: else
				fi
			};
#endif
			d_step { p.is_open = true; fresh = true; id = 0 }
		od;
		skip;
		/* all that was found is acknowledged, or what comes first */
		d_step { last = 0; i = 1 };
		do
		:: i < IDS && found & (1 << i) -> last = i; i++; if :: !draining -> break :: true fi
		:: i < IDS && !(found & (1 << i)) -> i++
		:: i >= IDS -> break
		od;
		skip;
		d_step {
			i = 1;
			do
			:: i <= last -> if :: found & (1 << i) -> taken = taken | (1 << i) :: else fi; i++
			:: else -> break
			od;
			i = 0; found = 0;
			if :: last != 0 -> p.last_id = last :: else fi
		};
		/* and perhaps one more of its own, after it has read */
		if
		:: !draining -> alive(write_event(own))
		:: skip
		fi;
		atomic {
			if
			:: mine != crashes
			:: else ->
				if
				:: end_xact(own, COMMITTED);
					d_step {
						copy_position(stored, p);
						i = 1;
						do
						:: i < IDS -> if :: taken & (1 << i) -> acked[i]++; assert(acked[i] == 1) :: else fi; i++
						:: else -> break
						od;
						i = 0
					}
				:: !draining -> end_xact(own, ABORTED)
				fi
			fi
		};
gone:
		skip;
		d_step {
			own = NONE; taken = 0; found = 0; last = 0; id = 0; fresh = false; repeatable = false; i = 0;
			now.xmin = 0; now.xmax = 0; now.xip = 0; first.xmin = 0; first.xmax = 0; first.xip = 0;
			p.is_open = false; p.last_id = 0; p.floor_id = 0; p.has_next = false; p.next_xid = 0; p.next_id = 0;
			p.seen.xmin = 0; p.seen.xmax = 0; p.seen.xip = 0; p.open.xmin = 0; p.open.xmax = 0; p.open.xip = 0
		};
		if :: draining && nothing -> break :: else fi
	:: else -> break
	od;
	skip;
	/* whatever was committed was acknowledged, once; and nothing else was */
	d_step {
		i = 1;
		do
		:: i <= drawn -> assert(acked[i] == (xact[writer[i]] == COMMITTED)); i++
		:: else -> break
		od
	}
}

#ifdef CRASH
/* At any moment, but not when the consumer has begun to drain: that is bounded */
active proctype crash()
{
	byte i;

	/* or never */
end:
	atomic {
		ended < EMITTERS ->
		crashes++;
		i = 1;
		do
		:: i < next_xid ->
			if
			:: i > logged_xid -> xact[i] = 0
			:: i <= logged_xid && xact[i] == RUNNING -> xact[i] = ABORTED
			:: else
			fi;
			i++
		:: else -> break
		od;
		next_xid = logged_xid + 1;
		latest = logged_xid;
		i = logged_id + 1;
		do
		:: i <= drawn -> writer[i] = 0; i++
		:: else -> break
		od;
		drawn = logged_id;
		i = 0
	}
}
#endif
