//! Well-known vendors by the hosts that are called. People add theirs, which go first.

/// Somebody else's service.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    pub name: String,
    /// What it is for, like `payments` or `mail`.
    pub category: String,
    /// Each stands for itself and for all names that end with a dot and it. A peer's name without a dot is fine too.
    pub hosts: Vec<String>,
}

/// Whose host is whose: the longest pattern that fits.
#[derive(Debug)]
pub(crate) struct Catalogue {
    vendors: Vec<Vendor>,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Catalogue {
    /// With vendors of one's own: they go before those that are known.
    pub(crate) fn new(own: Vec<Vendor>) -> Self {
        let known = KNOWN.iter().map(|(category, name, hosts)| Vendor {
            name: (*name).to_owned(),
            category: (*category).to_owned(),
            hosts: hosts.split(' ').map(str::to_owned).collect(),
        });
        let mut vendors: Vec<Vendor> = own.into_iter().chain(known).collect();
        for host in vendors.iter_mut().flat_map(|vendor| &mut vendor.hosts) {
            *host = host.to_lowercase();
        }
        Self { vendors }
    }

    /// The vendor of a host in small letters.
    pub(crate) fn find(&self, host: &str) -> Option<&Vendor> {
        let fitting = self.vendors.iter().filter_map(|vendor| {
            let hosts = vendor.hosts.iter().filter(|pattern| fits(host, pattern));
            Some((vendor, hosts.map(String::len).max()?))
        });
        // Of equally long patterns the first one: `max_by_key` would take the last.
        fitting
            .reduce(|best, next| if next.1 > best.1 { next } else { best })
            .map(|(vendor, _)| vendor)
    }

    /// The patterns of a vendor, each with the longer ones of others that it does not speak for.
    pub(crate) fn patterns(&self, name: &str) -> Vec<(&str, Vec<&str>)> {
        let is = |vendor: &&Vendor| vendor.name == name;
        let own = self
            .vendors
            .iter()
            .filter(is)
            .flat_map(|vendor| &vendor.hosts);
        let wins = |pattern: &str| self.find(pattern).is_some_and(|vendor| vendor.name == name);
        let own = own.filter(|pattern| wins(pattern));
        own.map(|pattern| {
            let all = self.vendors.iter().filter(|vendor| !is(vendor));
            let longer = all.flat_map(|vendor| &vendor.hosts).map(String::as_str);
            let longer =
                longer.filter(|other| other != pattern && fits(other, pattern) && !wins(other));
            (pattern.as_str(), longer.collect())
        })
        .collect()
    }
}

fn fits(host: &str, pattern: &str) -> bool {
    host.strip_suffix(pattern)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Category, name, hosts.
const KNOWN: &[(&str, &str, &str)] = &[
    ("payments", "Stripe", "stripe.com"),
    ("payments", "PayPal", "paypal.com paypalobjects.com"),
    (
        "payments",
        "Braintree",
        "braintreegateway.com braintree-api.com",
    ),
    ("payments", "Adyen", "adyen.com adyenpayments.com"),
    ("payments", "Square", "squareup.com squareupsandbox.com"),
    ("payments", "Klarna", "klarna.com"),
    ("payments", "Mollie", "mollie.com"),
    ("payments", "Checkout.com", "checkout.com"),
    ("payments", "Razorpay", "razorpay.com"),
    ("payments", "Paddle", "paddle.com"),
    ("payments", "Plaid", "plaid.com"),
    ("payments", "Wise", "wise.com transferwise.com"),
    ("payments", "Avalara", "avalara.com avatax.com"),
    ("mail", "SendGrid", "sendgrid.com sendgrid.net"),
    ("mail", "Mailgun", "mailgun.net mailgun.org"),
    ("mail", "Postmark", "postmarkapp.com"),
    ("mail", "Mailchimp", "mailchimp.com mandrillapp.com"),
    ("mail", "Resend", "resend.com"),
    ("mail", "SparkPost", "sparkpost.com"),
    ("mail", "Brevo", "brevo.com sendinblue.com"),
    ("mail", "Customer.io", "customer.io"),
    ("messages", "Twilio", "twilio.com"),
    ("messages", "Vonage", "vonage.com nexmo.com"),
    ("messages", "MessageBird", "messagebird.com bird.com"),
    ("messages", "Slack", "slack.com"),
    ("messages", "Discord", "discord.com discordapp.com"),
    ("messages", "Telegram", "telegram.org"),
    ("messages", "OneSignal", "onesignal.com"),
    ("messages", "Firebase Cloud Messaging", "fcm.googleapis.com"),
    ("messages", "Pusher", "pusher.com"),
    ("messages", "Ably", "ably.io ably.net"),
    ("flags", "LaunchDarkly", "launchdarkly.com launchdarkly.us"),
    ("flags", "Split", "split.io"),
    ("flags", "Statsig", "statsig.com statsigapi.net"),
    ("flags", "ConfigCat", "configcat.com"),
    ("flags", "Flagsmith", "flagsmith.com"),
    ("flags", "Optimizely", "optimizely.com"),
    ("flags", "Unleash", "getunleash.io"),
    ("cdn", "Cloudflare", "cloudflare.com cloudflare.net"),
    ("cdn", "Fastly", "fastly.com fastly.net fastlylb.net"),
    (
        "cdn",
        "Akamai",
        "akamai.net akamaized.net akamaiedge.net akamaihd.net akamaiapis.net",
    ),
    ("cdn", "CloudFront", "cloudfront.net"),
    ("cdn", "jsDelivr", "jsdelivr.net"),
    ("cdn", "Bunny", "b-cdn.net bunny.net"),
    ("cdn", "imgix", "imgix.net imgix.com"),
    ("cdn", "Cloudinary", "cloudinary.com"),
    ("monitoring", "Datadog", "datadoghq.com datadoghq.eu"),
    ("monitoring", "New Relic", "newrelic.com nr-data.net"),
    ("monitoring", "Sentry", "sentry.io"),
    ("monitoring", "Honeycomb", "honeycomb.io"),
    ("monitoring", "Grafana Cloud", "grafana.net"),
    ("monitoring", "Dynatrace", "dynatrace.com"),
    ("monitoring", "Splunk", "splunkcloud.com signalfx.com"),
    ("monitoring", "PagerDuty", "pagerduty.com"),
    ("monitoring", "Opsgenie", "opsgenie.com"),
    ("monitoring", "Bugsnag", "bugsnag.com"),
    ("monitoring", "Rollbar", "rollbar.com"),
    (
        "analytics",
        "Google Analytics",
        "google-analytics.com analytics.google.com",
    ),
    ("analytics", "Google Tag Manager", "googletagmanager.com"),
    ("analytics", "Segment", "segment.io segment.com"),
    ("analytics", "Mixpanel", "mixpanel.com"),
    ("analytics", "Amplitude", "amplitude.com"),
    ("analytics", "PostHog", "posthog.com"),
    ("analytics", "Plausible", "plausible.io"),
    ("analytics", "Hotjar", "hotjar.com hotjar.io"),
    ("llm", "OpenAI", "openai.com openai.azure.com"),
    ("llm", "Anthropic", "anthropic.com"),
    (
        "llm",
        "Google Gemini",
        "generativelanguage.googleapis.com aiplatform.googleapis.com",
    ),
    ("llm", "Mistral", "mistral.ai"),
    ("llm", "Cohere", "cohere.ai cohere.com"),
    ("llm", "Groq", "groq.com"),
    ("llm", "DeepSeek", "deepseek.com"),
    ("llm", "Together", "together.xyz together.ai"),
    ("llm", "OpenRouter", "openrouter.ai"),
    ("llm", "Hugging Face", "huggingface.co"),
    ("llm", "Replicate", "replicate.com"),
    ("identity", "Auth0", "auth0.com"),
    ("identity", "Okta", "okta.com oktapreview.com"),
    (
        "identity",
        "Clerk",
        "clerk.com clerk.dev clerk.accounts.dev",
    ),
    (
        "identity",
        "Google sign-in",
        "accounts.google.com oauth2.googleapis.com",
    ),
    ("identity", "Microsoft sign-in", "login.microsoftonline.com"),
    ("identity", "Apple sign-in", "appleid.apple.com"),
    ("identity", "WorkOS", "workos.com"),
    ("identity", "Onfido", "onfido.com"),
    (
        "search",
        "Algolia",
        "algolia.net algolianet.com algolia.com",
    ),
    ("search", "Elastic Cloud", "elastic-cloud.com elastic.co"),
    ("maps", "Google Maps", "maps.googleapis.com"),
    ("maps", "Mapbox", "mapbox.com"),
    ("maps", "HERE", "hereapi.com"),
    ("storage", "Amazon S3", "s3.amazonaws.com"),
    ("storage", "Google Cloud Storage", "storage.googleapis.com"),
    ("storage", "Azure Storage", "blob.core.windows.net"),
    ("storage", "Cloudflare R2", "r2.cloudflarestorage.com"),
    ("storage", "Backblaze", "backblazeb2.com"),
    ("cloud", "AWS", "amazonaws.com api.aws"),
    ("cloud", "Google Cloud", "googleapis.com"),
    (
        "cloud",
        "Azure",
        "azure.com windows.net azure-api.net azurewebsites.net",
    ),
    ("cloud", "Vercel", "vercel.app vercel.com"),
    ("cloud", "Netlify", "netlify.app netlify.com"),
    ("cloud", "Supabase", "supabase.co"),
    ("cloud", "Upstash", "upstash.io"),
    ("business", "Salesforce", "salesforce.com force.com"),
    ("business", "HubSpot", "hubspot.com hubapi.com"),
    ("business", "Zendesk", "zendesk.com"),
    ("business", "Intercom", "intercom.io intercom.com"),
    ("business", "Shopify", "shopify.com myshopify.com"),
    ("business", "Contentful", "contentful.com"),
    ("business", "Sanity", "sanity.io"),
    ("business", "Airtable", "airtable.com"),
    ("business", "Notion", "notion.com notion.so"),
    ("business", "Shippo", "goshippo.com"),
    ("business", "EasyPost", "easypost.com"),
    ("code", "GitHub", "github.com githubusercontent.com ghcr.io"),
    ("code", "GitLab", "gitlab.com"),
    ("code", "npm", "npmjs.org npmjs.com"),
    ("protection", "reCAPTCHA", "recaptcha.net"),
    ("protection", "hCaptcha", "hcaptcha.com"),
    ("protection", "Sift", "sift.com siftscience.com"),
    ("protection", "MaxMind", "maxmind.com"),
];

#[cfg(test)]
mod tests {
    use super::{Catalogue, KNOWN, Vendor};

    fn own() -> Catalogue {
        Catalogue::new(vec![Vendor {
            name: "Acme Pay".to_owned(),
            category: "payments".to_owned(),
            hosts: vec!["Pay.Example".to_owned(), "eu.stripe.com".to_owned()],
        }])
    }

    #[test]
    fn the_longest_pattern_wins_and_own_ones_go_first() {
        let catalogue = own();
        for (host, name) in [
            ("api.stripe.com", Some("Stripe")),
            ("stripe.com", Some("Stripe")),
            ("api.eu.stripe.com", Some("Acme Pay")),
            ("pay.example", Some("Acme Pay")),
            ("notstripe.com", None),
            ("bucket.s3.amazonaws.com", Some("Amazon S3")),
            ("sqs.eu-west-1.amazonaws.com", Some("AWS")),
            ("generativelanguage.googleapis.com", Some("Google Gemini")),
            ("stripe.com.evil.example", None),
        ] {
            let found = catalogue.find(host).map(|vendor| vendor.name.as_str());
            assert_eq!(found, name, "{host}");
        }
        assert_eq!(
            catalogue.patterns("Stripe"),
            [("stripe.com", vec!["eu.stripe.com"])]
        );
        let aws = catalogue.patterns("AWS");
        assert_eq!(aws[0], ("amazonaws.com", vec!["s3.amazonaws.com"]));
    }

    #[test]
    fn each_pattern_is_a_host_and_there_once() {
        let mut hosts: Vec<&str> = KNOWN
            .iter()
            .flat_map(|(_, _, hosts)| hosts.split(' '))
            .collect();
        for host in &hosts {
            let is_fine =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
            assert!(host.contains('.') && host.chars().all(is_fine), "{host}");
        }
        let count = hosts.len();
        hosts.sort_unstable();
        hosts.dedup();
        assert_eq!(hosts.len(), count);
        let mut names: Vec<&str> = KNOWN.iter().map(|(_, name, _)| *name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
