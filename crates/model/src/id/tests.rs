use super::{SpanId, TraceId};

#[test]
fn a_trace_id_is_read_in_every_form_people_paste() {
    let plain = "0af7651916cd43dd8448eb211c80319c";
    for text in [
        plain,
        "0AF7651916CD43DD8448EB211C80319C",
        " 0af76519-16cd-43dd-8448-eb211c80319c ",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ] {
        assert_eq!(
            TraceId::parse(text).map(|id| id.to_string()).as_deref(),
            Ok(plain),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_id_is_refused_with_what_to_do() {
    for text in [
        "",
        "0af7",
        "zaf7651916cd43dd8448eb211c80319c",
        "00000000000000000000000000000000",
        "é",
    ] {
        let error = TraceId::parse(text).expect_err(text).to_string();
        assert!(error.contains("32 hex digits"), "{error}");
    }
    assert!(SpanId::parse("0000000000000000").is_err());
    assert_eq!(
        SpanId::parse("B7AD6B7169203331")
            .map(|id| id.to_string())
            .as_deref(),
        Ok("b7ad6b7169203331")
    );
}
