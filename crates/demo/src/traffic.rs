//! The shop's customers: a seeded, endless stream of visits of many users of several tenants.

use std::net::SocketAddr;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::{Client, RequestBuilder};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

const SEED: u64 = 42;
/// The tenants and their share of the visits, in percent.
const TENANTS: [(&str, u32); 5] = [
    ("acme", 25),
    ("globex", 30),
    ("initech", 20),
    ("umbrella", 15),
    ("hooli", 10),
];
const USERS_PER_TENANT: u32 = 80;
const SKUS: u32 = 40;
/// The shop opens with a rush, so that there soon is something to look at.
const RUSH_VISITS: u32 = 120;
const RUSH_INTERVAL: Duration = Duration::from_millis(50);
const VISIT_INTERVAL: Duration = Duration::from_millis(200);
const VISIT_TIME_MAX: Duration = Duration::from_secs(10);
/// Further visitors do not come while that many wait.
const VISITS_AT_ONCE_MAX: usize = 64;

/// Visits the storefront until dropped, which also ends the visits under way.
pub async fn run(storefront: SocketAddr) -> anyhow::Result<()> {
    let client = Client::builder()
        .no_proxy()
        .timeout(VISIT_TIME_MAX)
        .build()?;
    let mut random = StdRng::seed_from_u64(SEED);
    let mut visits = JoinSet::new();
    for interval in [RUSH_INTERVAL, VISIT_INTERVAL] {
        let mut clock = tokio::time::interval(interval);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut left = if interval == RUSH_INTERVAL {
            RUSH_VISITS
        } else {
            u32::MAX
        };
        while left > 0 {
            clock.tick().await;
            while visits.try_join_next().is_some() {}
            if visits.len() < VISITS_AT_ONCE_MAX {
                // What becomes of a visit is for the shop's telemetry to tell.
                visits.spawn(visit(&client, storefront, &mut random).send());
            }
            left -= 1;
        }
    }
    Ok(())
}

/// The next visit: a user of a tenant asks for a page or buys something.
fn visit(client: &Client, storefront: SocketAddr, random: &mut StdRng) -> RequestBuilder {
    let tenant = pick_tenant(random.random_range(0..100));
    let user = format!(
        "{tenant}-user-{:03}",
        random.random_range(0..USERS_PER_TENANT)
    );
    let session = format!("{user}-{}", random.random_range(0..5));
    let sku = format!("sku-{:02}", random.random_range(0..SKUS));
    let shop = format!("http://{storefront}");
    let request = match random.random_range(0..100) {
        0..20 => client.get(shop),
        20..45 => client.get(format!("{shop}/products/{sku}")),
        45..60 => client.get(format!("{shop}/accounts/{tenant}")),
        _ => {
            let card_network = if tenant == "acme" {
                "crossbank"
            } else {
                "swiftpay"
            };
            let basket = json!({ "tenant": tenant, "sku": sku, "card_network": card_network });
            client.post(format!("{shop}/checkout")).json(&basket)
        }
    };
    request
        .header("x-tenant-id", tenant)
        .header("x-user-id", user)
        .header("x-session-id", session)
}

/// The tenant at `percent` (0 to 99) of the shares laid end to end.
fn pick_tenant(percent: u32) -> &'static str {
    let mut end = 0;
    TENANTS
        .iter()
        .find(|(_, share)| {
            end += share;
            percent < end
        })
        .expect("the shares add up to 100")
        .0
}

#[cfg(test)]
mod tests {
    use super::{TENANTS, pick_tenant};

    #[test]
    fn every_tenant_gets_its_share() {
        for (tenant, share) in TENANTS {
            let count = (0..100)
                .filter(|percent| pick_tenant(*percent) == tenant)
                .count();
            assert_eq!(count, share as usize, "{tenant}");
        }
    }
}
