//! This worker's tables: from the room's ids to dense keys, and from a publication to the subscriptions that take it.
//!
//! The room speaks in ids that live as long as the process; packets find their way by keys, which are positions in a
//! vector. A key is used again after its entry was removed, so whoever keeps a key drops it with the entry: the engine
//! removes entries in one place each (`engine/commands.rs`).

use std::collections::HashMap;
use std::hash::Hash;
use std::marker::PhantomData;

/// A position in a [`Table`] of `T`.
pub struct Key<T> {
    index: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Key<T> {}
impl<T> PartialEq for Key<T> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
    }
}
impl<T> Eq for Key<T> {}
impl<T> PartialOrd for Key<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Key<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.index.cmp(&other.index)
    }
}
impl<T> std::fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}", self.index)
    }
}

/// Entries with an id each, found by key in one step and by id through a map.
#[derive(Debug)]
pub struct Table<I, T> {
    entries: Vec<Option<T>>,
    free: Vec<u32>,
    by_id: HashMap<I, Key<T>>,
}

impl<I, T> Default for Table<I, T> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: Vec::new(), by_id: HashMap::new() }
    }
}

impl<I: Copy + Eq + Hash, T> Table<I, T> {
    /// Adds an entry; `None` when the id is taken.
    pub fn insert(&mut self, id: I, entry: T) -> Option<Key<T>> {
        if self.by_id.contains_key(&id) {
            return None;
        }
        let index = match self.free.pop() {
            Some(index) => {
                *self.entries.get_mut(index as usize)? = Some(entry);
                index
            }
            None => {
                let index = u32::try_from(self.entries.len()).ok()?;
                self.entries.push(Some(entry));
                index
            }
        };
        let key = Key { index, of: PhantomData };
        self.by_id.insert(id, key);
        Some(key)
    }

    pub fn remove(&mut self, id: I) -> Option<T> {
        let key = self.by_id.remove(&id)?;
        let entry = self.entries.get_mut(key.index as usize)?.take();
        self.free.push(key.index);
        entry
    }

    pub fn key(&self, id: I) -> Option<Key<T>> {
        self.by_id.get(&id).copied()
    }

    pub fn get(&self, key: Key<T>) -> Option<&T> {
        self.entries.get(key.index as usize)?.as_ref()
    }

    pub fn get_mut(&mut self, key: Key<T>) -> Option<&mut T> {
        self.entries.get_mut(key.index as usize)?.as_mut()
    }

    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_reused_and_ids_are_not_shared() {
        let mut table = Table::<u64, &str>::default();
        let a = table.insert(1, "a").unwrap();
        let b = table.insert(2, "b").unwrap();
        assert!(table.insert(1, "again").is_none());
        assert_eq!(table.get(a), Some(&"a"));
        assert_eq!(table.remove(1), Some("a"));
        assert_eq!(table.get(a), None);
        assert_eq!(table.key(1), None);
        let c = table.insert(3, "c").unwrap();
        assert_eq!(c, a);
        assert_eq!((table.get(b), table.get(c), table.len()), (Some(&"b"), Some(&"c"), 2));
        table.remove(2);
        table.remove(3);
        assert!(table.is_empty() && table.remove(3).is_none());
    }
}
