//! What there is most of, in bounded memory.

use core::borrow::Borrow;
use core::cmp::Reverse;
use core::hash::Hash;
use core::ops::AddAssign;
use std::collections::HashMap;

/// Adds up amounts by key, such as what each host sent and received.
///
/// When too many keys are known, the lesser half of them is folded into one
/// sum. A key that comes back after that begins anew, so amounts may then be
/// too low, never too high, and nothing is lost from the sum. One that stays
/// in the upper half, as whatever is worth showing does, is counted exactly:
/// those who choose the keys cannot push it out without taking part as much as
/// it does, half a table of times.
#[derive(Debug)]
pub(crate) struct Ranking<K, A> {
    known: HashMap<K, A>,
    /// How many keys may be known.
    most: usize,
    folded: A,
}

/// Something that is added up.
pub(crate) trait Amount: AddAssign + Copy + Default + Eq {
    /// By which it is ranked.
    fn weight(self) -> u64;
}

impl<K: Clone + Eq + Hash + Ord, A: Amount> Ranking<K, A> {
    /// A ranking of no more than `most` keys.
    pub(crate) fn of_at_most(most: usize) -> Self {
        Self {
            known: HashMap::new(),
            most,
            folded: A::default(),
        }
    }

    /// Adds to what is known of a key.
    pub(crate) fn add<Q>(&mut self, key: &Q, amount: A)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(known) = self.known.get_mut(key) {
            *known += amount;
            return;
        }
        self.known.insert(key.to_owned(), amount);
        if self.known.len() > self.most {
            self.fold();
        }
    }

    /// Adds to the sum of what is not known by its key.
    pub(crate) fn add_other(&mut self, amount: A) {
        self.folded += amount;
    }

    /// The keys with the most, and what all others amount to, if there are any.
    pub(crate) fn top(&self, most: usize) -> (Vec<(K, A)>, Option<A>) {
        let mut top = self.greatest_first(most);
        let rest = top.split_off(most.min(top.len()));
        top.sort_unstable_by(by_rank);
        let mut others = self.folded;
        rest.iter().for_each(|(_, amount)| others += *amount);
        let owned = |(key, amount): (&K, A)| (key.clone(), amount);
        let top = top.into_iter().map(owned).collect();
        (top, (others != A::default()).then_some(others))
    }

    /// Forgets the half of the keys that has the least.
    #[cold]
    fn fold(&mut self) {
        let kept = self.most / 2;
        let lesser = self.greatest_first(kept).split_off(kept);
        let lesser: Vec<K> = lesser.into_iter().map(|(key, _)| key.clone()).collect();
        for key in lesser {
            let amount = self.known.remove(&key);
            self.folded += amount.unwrap_or_default();
        }
    }

    /// All keys, so many of the greatest before all others.
    fn greatest_first(&self, most: usize) -> Vec<(&K, A)> {
        let known = self.known.iter();
        let mut known: Vec<_> = known.map(|(key, amount)| (key, *amount)).collect();
        if most < known.len() {
            known.select_nth_unstable_by(most, by_rank);
        }
        known
    }
}

/// The greatest first, and where two are equal by key, so that the same input
/// always gives the same order.
fn by_rank<K: Ord, A: Amount>((a, much): &(&K, A), (b, more): &(&K, A)) -> core::cmp::Ordering {
    (Reverse(much.weight()), a).cmp(&(Reverse(more.weight()), b))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Amount for u64 {
        fn weight(self) -> u64 {
            self
        }
    }

    #[test]
    fn the_greatest_come_first_and_the_rest_is_summed() {
        let mut ranking = Ranking::<String, u64>::of_at_most(100);
        for (key, amount) in [("a", 5), ("b", 100), ("c", 1), ("a", 200), ("d", 1)] {
            ranking.add(key, amount);
        }
        let (top, others) = ranking.top(2);
        assert_eq!(top, [("a".to_owned(), 205), ("b".to_owned(), 100)]);
        assert_eq!(others, Some(2));
        // Equal amounts are in the order of their keys.
        assert_eq!(
            ranking.top(4).0[2..],
            [("c".to_owned(), 1), ("d".to_owned(), 1)]
        );
        assert_eq!(ranking.top(4).1, None);
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_lost() {
        let most = 1000;
        let mut ranking = Ranking::<u32, u64>::of_at_most(most);
        for key in 0..10_000 {
            ranking.add(&key, 1);
            ranking.add(&u32::MAX, 10);
            assert!(ranking.known.len() <= most);
        }
        ranking.add_other(5);
        let (top, others) = ranking.top(1);
        assert_eq!(top, [(u32::MAX, 100_000)]);
        assert_eq!(others, Some(10_005));
    }
}
