//! A body whose length shows at its end. A large one gets addresses for all that it may become: memory is taken as it is
//! used, nothing is ever moved to a larger place, and all of it goes back to the system at once.

use std::io;

use bytes::Bytes;
use memmap2::MmapMut;

/// It grows by no less than this, and by no more at a time.
const STEP_BYTES_MIN: usize = 16 << 10;
const STEP_BYTES_MAX: usize = 1 << 20;
/// Up to here it is in the allocator's memory.
const SMALL_BYTES_MAX: usize = 1 << 20;

/// Whether so many bytes more may be held.
pub type Admit<'a> = &'a mut dyn FnMut(usize) -> bool;

/// How [`Admit`]'s answer passes through readers: none of them fails like this by itself.
pub(super) const NOT_ADMITTED: io::ErrorKind = io::ErrorKind::QuotaExceeded;

/// See the file.
#[derive(Debug)]
pub struct Growing {
    memory: Memory,
    filled: usize,
    admitted: usize,
    limit: usize,
    /// So much was announced.
    announced: usize,
}

#[derive(Debug)]
enum Memory {
    Small(Vec<u8>),
    /// As long as the limit.
    Mapped(MmapMut),
}

impl Growing {
    /// One of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            memory: Memory::Small(Vec::new()),
            filled: 0,
            admitted: 0,
            limit,
            announced: 0,
        }
    }

    /// It is said to become so long. Nothing depends on it but that room is made once.
    #[must_use]
    pub fn announced(self, bytes: u64) -> Self {
        let announced = usize::try_from(bytes).unwrap_or(usize::MAX);
        Self {
            announced: announced.min(self.limit),
            ..self
        }
    }

    /// For what comes next: empty at the limit, and only there.
    ///
    /// # Errors
    /// It was not admitted, or the system has no more.
    pub fn room(&mut self, admit: Admit<'_>) -> io::Result<&mut [u8]> {
        if self.filled == self.admitted && self.admitted < self.limit {
            // Twice as much as before, up to a bound.
            let more = self.admitted.clamp(STEP_BYTES_MIN, STEP_BYTES_MAX);
            let more = more.min(self.limit - self.admitted);
            if !admit(more) {
                return Err(NOT_ADMITTED.into());
            }
            self.reserve(self.admitted + more)?;
            self.admitted += more;
        }
        Ok(&mut self.memory.bytes()[self.filled..self.admitted])
    }

    fn reserve(&mut self, bytes: usize) -> io::Result<()> {
        match &mut self.memory {
            Memory::Small(small) if bytes <= SMALL_BYTES_MAX => small.resize(bytes, 0),
            Memory::Small(small) => {
                let mut map = MmapMut::map_anon(self.limit).map_err(|_| NOT_ADMITTED)?;
                map[..small.len()].copy_from_slice(small);
                self.memory = Memory::Mapped(map);
            }
            Memory::Mapped(_) => {}
        }
        Ok(())
    }

    /// So much of the room has been filled.
    pub fn advance(&mut self, bytes: usize) {
        self.filled += bytes;
    }

    /// Adds these bytes, for which there is room.
    ///
    /// # Errors
    /// They are more than the limit, or the system has no more.
    pub fn extend(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let all = self.filled + bytes.len();
        if let Memory::Small(small) = &mut self.memory
            && all.max(self.announced) <= SMALL_BYTES_MAX.min(self.limit)
        {
            small.truncate(self.filled);
            small.reserve_exact(self.announced.saturating_sub(self.filled));
            small.extend_from_slice(bytes);
            (self.filled, self.admitted) = (all, all);
            return Ok(());
        }
        while !bytes.is_empty() {
            let room = self.room(&mut |_| true)?;
            let count = room.len().min(bytes.len());
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            room[..count].copy_from_slice(&bytes[..count]);
            self.advance(count);
            bytes = &bytes[count..];
        }
        Ok(())
    }

    /// All that was filled.
    #[must_use]
    pub fn whole(self) -> Bytes {
        match self.memory {
            Memory::Small(mut small) => {
                small.truncate(self.filled);
                small.into()
            }
            Memory::Mapped(map) => Bytes::from_owner(map).slice(..self.filled),
        }
    }
}

impl Memory {
    fn bytes(&mut self) -> &mut [u8] {
        match self {
            Self::Small(small) => small,
            Self::Mapped(map) => map,
        }
    }
}
