//! What several rigs need: a checker's memory, small disks, stores that lie, and the write path in this process.

pub mod books;
pub mod faulty_store;
pub mod in_process;
pub mod mounted;
pub mod numbered;
pub mod small_disk;
