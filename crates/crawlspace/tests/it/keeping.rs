//! What is kept: over crashes, damage, older formats, and for other programs to read.

mod attach;
mod backup;
mod bucket;
mod damage;
mod doctor;
mod fixture;
mod health;
mod keys;
mod ledger;
mod lifecycle;
mod retention;
