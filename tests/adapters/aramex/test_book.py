"""The three steps of a booking: how each is put, and what is a yes to it."""

from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from adapters.contract.carrier import Booked, Next
from adapters.contract.errors import Misread, OutcomeUnknown, RefusalKind, Refused
from adapters.contract.orders import QualityCheck
from adapters.contract.units import Money

from .examples import (
    CUSTOMER,
    GUID,
    IN_DUBAI,
    NUMBER,
    PARCEL,
    REFERENCE,
    SHIRT,
    SO_FAR,
    WAREHOUSE,
    answer,
    built,
    envelope,
    fault,
    notifications,
    pickup,
    read,
    refused_building,
    sent,
    shipment,
    window,
)

ABROAD = replace(WAREHOUSE, country="AE", city="Dubai", postal_code="")


def waybill_sent(order: Any, path: str, **settings: str) -> str | None:
    return sent(built("book", order, "waybill", SO_FAR, **settings), f"Shipments/Shipment/{path}")


def pickup_sent(order: Any, path: str, **settings: str) -> str | None:
    return sent(built("book", order, "pickup", SO_FAR, **settings), f"Pickup/{path}")


# --- the number -----------------------------------------------------------------------------------


def number_answer(first: str = NUMBER, last: str = NUMBER, **more: Any) -> httpx.Response:
    return answer("ReserveRangeResponse", f"<FromWaybill>{first}</FromWaybill><ToWaybill>{last}</ToWaybill>", **more)


def test_a_number_is_reserved_for_the_accounts_entity_and_the_lanes_group():
    request = built("book", pickup(consignee=ABROAD), "number")
    named = ("Transaction/Reference1", "Entity", "ProductGroup", "Count", "ClientInfo/UserName", "ClientInfo/AccountPin")
    assert [sent(request, name) for name in named] == [REFERENCE, "BOM", "EXP", "1", "api@kestrel.test", "331421"]
    assert str(request.url) == "https://aramex.test/ShippingAPI.V2/Shipping/Service_1_0.svc"


def test_the_number_is_known_before_anything_commits():
    assert read("book", number_answer(), pickup(), "number", {}) == Next(so_far={"number": NUMBER, "group": "DOM"})


@pytest.mark.parametrize(
    "response",
    [
        number_answer("", ""),
        number_answer("47a", "47a"),
        number_answer(NUMBER, "47000000002"),
        number_answer(echo=None),
        number_answer(echo=("another",)),
        number_answer(echo=("",)),
        number_answer(errors=""),
    ],
)
def test_what_is_no_number_of_ours_is_misread(response):
    assert read("book", response, pickup(), "number", {}) == (Misread,)


# --- the waybill ----------------------------------------------------------------------------------


def test_our_reference_and_the_number_stand_in_the_fields_the_carrier_indexes():
    fields = ("Number", "ForeignHAWB", "Reference1", "Reference2")
    assert [waybill_sent(pickup(order_number="RMA-9"), name) for name in fields] == [NUMBER, REFERENCE, REFERENCE, "RMA-9"]


def test_in_a_return_the_customer_is_the_shipper_and_a_third_party_pays():
    fields = {
        "Shipper/Contact/PersonName": "Asha Rao",
        "Shipper/AccountNumber": None,
        "Consignee/Contact/CompanyName": "Kestrel Apparel",
        "Consignee/AccountNumber": "20016000",
        "ThirdParty/AccountNumber": "20016000",
        "ThirdParty/PartyAddress/City": "Surat",
        "Details/PaymentType": "3",
        "Details/PaymentOptions": "",
        "Details/Services": "RTRN",
    }
    assert {name: waybill_sent(pickup(), name) for name in fields} == fields


def test_a_forward_parcel_is_paid_by_its_shipper():
    fields = {
        "Shipper/AccountNumber": "20016000",
        "Consignee/AccountNumber": None,
        "ThirdParty/AccountNumber": None,
        "Details/PaymentType": "P",
        "Details/Services": "",
    }
    assert {name: waybill_sent(shipment(), name) for name in fields} == fields


def test_a_return_is_collected_from_the_consignee_where_the_account_says_so():
    fields = {"Details/PaymentType": "C", "Details/PaymentOptions": "ARCC", "ThirdParty/AccountNumber": None}
    assert {name: waybill_sent(pickup(), name, return_payment="C") for name in fields} == fields


def test_a_payment_that_is_none_is_the_accounts_fault():
    assert refused_building("book", pickup(), "waybill", return_payment="cash")["kind"] is RefusalKind.ACCOUNT


def test_weights_and_sizes_are_exact():
    fields = {
        "ActualWeight/Value": "0.480",
        "ActualWeight/Unit": "KG",
        "Dimensions/Length": "30.1",
        "Dimensions/Height": "5.5",
        "ChargeableWeight": "nil",
    }
    assert {name: waybill_sent(pickup(), f"Details/{name}") for name in fields} == fields


def test_an_address_has_three_lines_and_everybody_a_company_and_an_email():
    address = {"Line1": "12 Rose Lane", "Line2": "Indiranagar", "Line3": "opposite the library", "PostCode": "560038"}
    contact = {"CompanyName": "Asha Rao", "EmailAddress": "returns@kestrel.test", "PhoneNumber1": "+919820000000"}
    assert {name: waybill_sent(pickup(), f"Shipper/PartyAddress/{name}") for name in address} == address
    assert {name: waybill_sent(pickup(), f"Shipper/Contact/{name}") for name in contact} == contact
    assert waybill_sent(pickup(), "Consignee/Contact/EmailAddress") == "desk@kestrel.test"


@pytest.mark.parametrize(
    ("order", "settings", "product"),
    [
        (pickup(), {}, ("DOM", "CGO")),
        (pickup(), {"domestic_product": "SFC"}, ("DOM", "SFC")),
        (pickup(shipper=IN_DUBAI, consignee=ABROAD), {}, ("DOM", "ONP")),
        (pickup(consignee=ABROAD), {}, ("EXP", "PPX")),
        (pickup(service="economy"), {"domestic_economy_product": "PEC"}, ("DOM", "PEC")),
        (pickup(consignee=ABROAD, service="economy"), {"international_economy_product": "EPX"}, ("EXP", "EPX")),
        (pickup(extra={"aramex": {"product_type": "HVY"}}), {}, ("DOM", "HVY")),
    ],
)
def test_the_product_follows_from_service_lane_and_account(order, settings, product):
    assert tuple(waybill_sent(order, f"Details/{name}", **settings) for name in ("ProductGroup", "ProductType")) == product


def test_only_a_parcel_that_crosses_a_border_is_declared():
    fields = {
        "CustomsValueAmount/Value": "1180.00",
        "CustomsValueAmount/CurrencyCode": "INR",
        "Items/ShipmentItem/Quantity": "2",
        "Items/ShipmentItem/CommodityCode": "610510",
        "Items/ShipmentItem/CustomsValue/Value": "1180.00",
    }
    assert {name: waybill_sent(pickup(consignee=ABROAD), f"Details/{name}") for name in fields} == fields
    assert {waybill_sent(pickup(), f"Details/{name}") for name in fields} == {None}


def test_further_services_go_with_the_accounts_own():
    assert waybill_sent(pickup(extra={"aramex": {"services": "INSR"}}), "Details/Services") == "RTRN,INSR"


@pytest.mark.parametrize("name", ["number", "waybill", "pickup"])
@pytest.mark.parametrize(
    ("changes", "kind", "field"),
    [
        ({"shipper": replace(CUSTOMER, country="DE")}, RefusalKind.NOT_SERVICEABLE, "/shipper/country"),
        ({"shipper": replace(CUSTOMER, postal_code="near the lake")}, RefusalKind.INVALID_ADDRESS, "/shipper/postal_code"),
        ({"shipper": replace(CUSTOMER, phone="call me")}, RefusalKind.INVALID_REQUEST, "/shipper/phone"),
        ({"shipper": replace(CUSTOMER, line1="12")}, RefusalKind.INVALID_ADDRESS, "/shipper/line1"),
        ({"shipper": replace(CUSTOMER, city="Benga\x07luru")}, RefusalKind.INVALID_REQUEST, "/shipper/city"),
        ({"consignee": replace(WAREHOUSE, phone="")}, RefusalKind.INVALID_REQUEST, "/consignee/phone"),
        ({"parcels": (PARCEL, PARCEL)}, RefusalKind.INVALID_REQUEST, "/parcels/1"),
        ({"items": (replace(SHIRT, description="\x00"),)}, RefusalKind.INVALID_REQUEST, "/items/0/description"),
        ({"service": "teleport"}, RefusalKind.INVALID_REQUEST, "/service"),
        ({"service": "economy"}, RefusalKind.INVALID_REQUEST, "/service"),
        ({"carrier_reference": "R" * 41}, RefusalKind.INVALID_REQUEST, "/carrier_reference"),
        ({"quality_checks": (QualityCheck(question="colour", expected="blue"),)}, RefusalKind.INVALID_REQUEST, "/quality_checks"),
        ({"extra": {"aramex": {"colour": "blue"}}}, RefusalKind.INVALID_REQUEST, "/extra/aramex"),
    ],
)
def test_what_cannot_be_put_is_refused_by_name_before_any_step(name, changes, kind, field):
    assert refused_building("book", pickup(**changes), name) == {"kind": kind, "field": field}


def test_a_consignee_may_live_where_nobody_collects():
    there = replace(WAREHOUSE, country="DE", postal_code="20095")
    assert waybill_sent(pickup(consignee=there), "Consignee/PartyAddress/CountryCode") == "DE"


def shipment_answer(
    id_: str = NUMBER, reference: str = REFERENCE, errors: str = "false", told: str = "", details: str = "", **more: Any
) -> httpx.Response:
    inner = f"<ID>{id_}</ID><Reference1>{reference}</Reference1><ForeignHAWB>{reference}</ForeignHAWB>"
    inner += f"<HasErrors>{errors}</HasErrors>{told or notifications()}{details}"
    return answer("ShipmentCreationResponse", f"<Shipments><ProcessedShipment>{inner}</ProcessedShipment></Shipments>", **more)


RESERVED = {"number": NUMBER, "group": "DOM"}


def read_waybill(response: httpx.Response, so_far: dict[str, str] = RESERVED) -> Any:
    return read("book", response, pickup(), "waybill", so_far)


def test_a_waybill_under_our_number_and_reference_is_a_yes():
    assert read_waybill(shipment_answer()) == Next(so_far={"waybill": NUMBER})


def test_where_its_number_and_reference_are_ours_the_echo_may_be_missing():
    assert read_waybill(shipment_answer(echo=None)) == Next(so_far={"waybill": NUMBER})


def test_the_entity_it_leaves_from_is_kept():
    details = "<ShipmentDetails><Origin>BLR</Origin></ShipmentDetails>"
    assert read_waybill(shipment_answer(details=details)) == Next(so_far={"waybill": NUMBER, "entity": "BLR"})


@pytest.mark.parametrize("origin", ["", "Bengaluru", "b1"])
def test_what_is_no_entity_is_not_kept(origin):
    details = f"<ShipmentDetails><Origin>{origin}</Origin></ShipmentDetails>"
    assert read_waybill(shipment_answer(details=details)) == Next(so_far={"waybill": NUMBER})


def test_a_second_waybill_with_our_reference_means_that_the_first_was_made():
    twice = shipment_answer("", errors="true", told=notifications(ERR30="exists"))
    assert read_waybill(twice) == Next(so_far={"waybill": NUMBER})
    assert read_waybill(twice, {}) == (Refused, RefusalKind.DUPLICATE, "ERR30", "exists")


def test_errors_of_the_call_and_of_the_shipment_are_both_refusals():
    told = notifications(ERR52="City is not valid")
    refusal = (Refused, RefusalKind.INVALID_ADDRESS, "ERR52", "City is not valid")
    assert read_waybill(answer("ShipmentCreationResponse", errors="true", head=told)) == refusal
    assert read_waybill(shipment_answer("", errors="true", told=told)) == refusal
    assert read_waybill(shipment_answer("", errors="true", head=told)) == refusal


def test_an_error_without_a_word_is_still_a_refusal():
    assert read_waybill(shipment_answer(errors="true")) == (Refused, RefusalKind.REFUSED, "", "")


def test_the_known_code_decides_and_all_texts_are_kept():
    told = notifications(ERR99="first", ERR06="post code", REQ15="more")
    assert read_waybill(shipment_answer(errors="true", told=told)) == (
        Refused,
        RefusalKind.INVALID_ADDRESS,
        "ERR06",
        "first; post code; more",
    )


@pytest.mark.parametrize(
    "response",
    [
        shipment_answer(""),
        shipment_answer("47000000002"),
        shipment_answer(reference="bkg_OTHER"),
        shipment_answer(echo=("bkg_OTHER",)),
        shipment_answer(errors=""),
        shipment_answer(errors="FALSE"),
        answer("ShipmentCreationResponse"),
        answer("ShipmentCreationResponse", "<Shipments/>"),
        answer("PickupCreationResponse"),
        shipment_answer(echo=(REFERENCE, "", "", "", "more")),
    ],
)
def test_what_is_not_one_waybill_of_ours_is_misread(response):
    assert read_waybill(response) == (Misread,)


def test_faults_blame_us_or_leave_the_outcome_open():
    assert read_waybill(fault("a:DeserializationFailed")) == (
        Refused,
        RefusalKind.INVALID_REQUEST,
        "DeserializationFailed",
        "it broke",
    )
    assert read_waybill(fault("s:Client", status=200)) == (Refused, RefusalKind.INVALID_REQUEST, "Client", "it broke")
    assert read_waybill(fault("a:InternalServiceFault")) == (OutcomeUnknown,)


# --- the collection -------------------------------------------------------------------------------


def test_the_collector_is_sent_to_the_customer_for_the_waybill():
    fields = {
        "PickupAddress/Line1": "12 Rose Lane",
        "PickupContact/CellPhone": "+919820000000",
        "PickupLocation": "opposite the library",
        "Reference1": REFERENCE,
        "Status": "Ready",
        "PickupItems/PickupItemDetail/Payment": "3",
        "PickupItems/PickupItemDetail/ShipmentWeight/Value": "0.480",
        "PickupItems/PickupItemDetail/Comments": "Cotton shirt",
        "ExistingShipments/ExistingShipment/Number": NUMBER,
        "ExistingShipments/ExistingShipment/OriginEntity": "BLR",
        "ExistingShipments/ExistingShipment/ProductGroup": "DOM",
    }
    assert {name: pickup_sent(pickup(), name) for name in fields} == fields


def test_the_accounts_entity_stands_in_where_the_waybill_named_none():
    request = built("book", pickup(), "pickup", {"waybill": NUMBER})
    assert sent(request, "Pickup/ExistingShipments/ExistingShipment/OriginEntity") == "BOM"


def test_the_window_is_the_doors_local_time():
    order = pickup(window=window("14:00", "16:00"), instructions="Ring  twice")
    fields = {
        "PickupDate": "2026-03-12T14:00:00",
        "ReadyTime": "2026-03-12T14:00:00",
        "LastPickupTime": "2026-03-12T16:00:00",
        "ClosingTime": "2026-03-12T16:30:00",
        "Comments": "Ring twice",
    }
    assert {name: pickup_sent(order, name) for name in fields} == fields
    assert waybill_sent(order, "ShippingDateTime") == "2026-03-12T14:00:00"


def pickup_answer(
    id_: str = "K000001", guid: str = GUID, reference: str = REFERENCE, shipments: str = "<ProcessedShipments/>", **more: Any
) -> httpx.Response:
    inner = f"<ID>{id_}</ID><GUID>{guid}</GUID><Reference1>{reference}</Reference1><Reference2/>{shipments}"
    return answer("PickupCreationResponse", f"<ProcessedPickup>{inner}</ProcessedPickup>", **more)


def attached(number: str) -> str:
    inner = f"<ID>{number}</ID><HasErrors>false</HasErrors>"
    return f"<ProcessedShipments><ProcessedShipment>{inner}</ProcessedShipment></ProcessedShipments>"


BOOKED = Booked(
    awb=NUMBER,
    handles={"pickup": "K000001", "guid": GUID, "group": "DOM", "entity": "BLR"},
    pickup_token="K000001",
    tracking_url=f"https://www.aramex.com/track/shipments?ShipmentNumber={NUMBER}",
)


@pytest.mark.parametrize("shipments", ["", "<ProcessedShipments/>", attached(NUMBER)])
def test_an_id_a_guid_and_our_reference_are_a_booking(shipments):
    assert read("book", pickup_answer(shipments=shipments), pickup()) == BOOKED


def test_a_second_order_of_the_same_collection_is_adopted_without_its_guid():
    told = notifications(ERR30="Duplicate collection already exists (K000007)")
    assert read("book", answer("PickupCreationResponse", errors="true", head=told), pickup()) == replace(
        BOOKED, handles={"pickup": "K000007", "group": "DOM", "entity": "BLR"}, pickup_token="K000007"
    )


@pytest.mark.parametrize("code", ["ERR35", "ERR36", "ERR37", "ERR38"])
def test_a_time_that_does_not_suit_asks_for_another_window(code):
    told = notifications(**{code: "not then"})
    outcome = read("book", answer("PickupCreationResponse", errors="true", head=told), pickup())
    assert outcome == (Refused, RefusalKind.WINDOW_UNAVAILABLE, code, "not then")


@pytest.mark.parametrize(
    "response",
    [
        answer("PickupCreationResponse"),
        pickup_answer(id_=""),
        pickup_answer(id_="sorry, no"),
        pickup_answer(guid=""),
        pickup_answer(guid="00000000-0000-0000-0000-000000000000"),
        pickup_answer(guid="K1"),
        pickup_answer(reference="bkg_OTHER"),
        pickup_answer(shipments=attached("47000000002")),
        pickup_answer(echo=("bkg_OTHER",)),
        pickup_answer(errors="no"),
        shipment_answer(),
        envelope("<nothing/>"),
    ],
)
def test_what_is_not_our_collection_is_misread(response):
    assert read("book", response, pickup()) == (Misread,)


def test_money_keeps_its_currencys_decimals():
    dinars = replace(SHIRT, unit_value=Money(12345, "KWD"))
    order = pickup(consignee=ABROAD, items=(dinars,))
    assert waybill_sent(order, "Details/CustomsValueAmount/Value") == "24.690"
