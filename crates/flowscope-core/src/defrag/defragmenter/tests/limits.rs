//! Nothing is held beyond what the settings allow.

use allocation_counter::measure;

use super::*;

/// Takes fragments of so many datagrams, each of the size and the sender told.
fn flood(config: FragmentConfig, datagrams: u32, of: impl Fn(u32) -> Part) -> (u64, usize) {
    let mut most = 0;
    let mut lost = 0;
    let allocated = measure(|| {
        let mut holder = Holder::new(config);
        // One packet, changed in place: only what is held is measured.
        for n in 0..datagrams {
            let part = of(n);
            push_cut(&mut holder, &part, 0, n, second(0));
            while let Some(gone) = holder.evict() {
                lost += gone.arrivals.len();
            }
            most = most.max(holder.charge);
        }
        assert!(most <= holder.budget.memory);
    });
    (allocated.bytes_max, lost)
}

/// What building a fragment takes beside.
const BUILDING: u64 = 10_000;

fn numbered(n: u32, source: u32, payload: &[u8]) -> Part {
    Part {
        id: n as u16,
        source,
        ..v4(0, true, payload)
    }
}

#[test]
fn a_flood_of_first_fragments_stays_below_the_cap() {
    let config = FragmentConfig::default();
    let cap = config.max_memory as u64;
    let (least, _) = flood(config, 50_000, |n| numbered(n, n, &[0; 8]));
    assert!(least < cap + BUILDING, "{least} bytes");
    let (most, lost) = flood(config, 50_000, |n| numbered(n, n, &[0; 1480]));
    assert!(most < cap + BUILDING, "{most} bytes");
    // And what the cap allows is made use of.
    assert!(most > cap / 4 * 3, "{most} bytes");
    assert!(lost > 40_000);
}

#[test]
fn a_flood_makes_room_nearly_every_time() {
    let config = FragmentConfig::default();
    let (most, lost) = flood(config, 200_000, |n| numbered(n, n, &[0; 64]));
    let cap = config.max_memory as u64;
    assert!(most < cap + BUILDING, "{most} bytes, {lost} given up");
    assert!(lost > 180_000, "{lost} given up");
}

#[test]
fn the_least_memory_will_do() {
    let config = FragmentConfig {
        max_memory: 0,
        max_memory_per_source: 0,
        ..FragmentConfig::default()
    };
    let (most, _) = flood(config, 5000, |n| numbered(n, n, &[0; 1480]));
    assert!(most < LEAST as u64 + BUILDING, "{most} bytes");
}

/// The first fragment brings memory for the bookkeeping of as many as may wait.
#[test]
fn a_limit_that_is_out_of_reach_asks_for_a_part_of_the_memory() {
    let config = FragmentConfig {
        max_memory: usize::MAX,
        ..FragmentConfig::default()
    };
    let (most, lost) = flood(config, 1000, |n| numbered(n, n, &[0; 64]));
    assert!(most < 512 << 20, "{most} bytes");
    assert_eq!(lost, 0);
}

#[test]
fn one_sender_does_not_take_it_all() {
    let config = FragmentConfig::default();
    let mut holder = Holder::new(config);
    push_cut(&mut holder, &numbered(0, 1, &[0; 64]), 0, 77, second(0));
    let mut lost = Vec::new();
    for n in 0..20_000 {
        push_cut(&mut holder, &numbered(n, 2, &[0; 1480]), 0, n, second(0));
        while let Some(gone) = holder.evict() {
            lost.extend(gone.arrivals);
        }
    }
    // Its own oldest went, in order, and the other's stayed.
    assert!(lost.iter().copied().eq(0..lost.len() as u32));
    assert!(holder.charge <= config.max_memory_per_source + holder.budget.least);
    assert!(holder.charge > config.max_memory_per_source / 2);
    assert_eq!(
        holder.drain().map(|lost| lost.arrivals),
        Some(Vec::from([77]))
    );
}

#[test]
fn memory_is_given_back() {
    let mut holder = holder(Overlap::Bsd);
    let round = |holder: &mut Holder, from: u32| {
        for n in from..from + 1000 {
            push(holder, &numbered(n, n, &[0; 1480]));
            while holder.evict().is_some() {}
        }
        while holder.drain().is_some() {}
        assert_eq!(holder.charge, 0);
    };
    round(&mut holder, 0);
    let later = measure(|| (1..40).for_each(|n| round(&mut holder, n * 1000)));
    assert_eq!(later.bytes_current, 0);
}

#[test]
fn too_many_fragments_end_a_datagram() {
    let mut holder = Holder::new(FragmentConfig {
        max_fragments: 3,
        ..FragmentConfig::default()
    });
    let verdicts: Vec<Verdict> = (0..5)
        .map(|n| push(&mut holder, &v4(n * 8, true, b"01234567")).verdict)
        .collect();
    let expected = [
        Verdict::Held,
        Verdict::Held,
        Verdict::Held,
        Verdict::GivenUp,
        Verdict::GivenUp,
    ];
    assert_eq!(verdicts, expected);
    assert_eq!(holder.drain().map(|lost| lost.arrivals.len()), Some(3));
}

#[test]
fn a_number_that_comes_up_again_begins_another_datagram() {
    let mut holder = holder(Overlap::Bsd);
    push_cut(&mut holder, &numbered(7, 1, b"01234567"), 0, 77, second(0));
    for n in 0..=MAX_DISTANCE {
        let part = Part {
            more: n % 2 == 0,
            ..v4((n % 2 * 8) as u16, true, b"01234567")
        };
        let part = Part { id: 8, ..part };
        let pushed = push(&mut holder, &part);
        if pushed.is_whole {
            holder.take_whole(pushed.datagram);
        }
    }
    assert!(holder.evict().is_none());
    let again = push(
        &mut holder,
        &Part {
            start: 8,
            ..numbered(7, 1, b"01234567")
        },
    );
    assert_eq!(again.verdict, Verdict::Held);
    assert_eq!(
        holder.evict().map(|lost| lost.arrivals),
        Some(Vec::from([77]))
    );
}
