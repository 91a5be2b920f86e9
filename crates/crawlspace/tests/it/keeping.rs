//! What is kept: over crashes, damage, older formats, and for other programs to read.

mod attach;
mod damage;
mod fixture;
mod keys;
mod kill_nine;
mod ledger;
mod lifecycle;
