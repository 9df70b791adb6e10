"""The packing slip as a person and a scanner see it: rendered, decoded, read back."""

import datetime as dt

import msgspec
import pypdfium2 as pdfium
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from adapters.contract.orders import Item, Parcel, QualityCheck, ReturnReason
from adapters.contract.places import Party, Window
from adapters.contract.units import Length, Money, Weight
from gateway.labels.printing import Paper, printed
from gateway.labels.sheet import LEFT, RIGHT, Slip

CUSTOMER = Party(
    name="Meera Raghunathan",
    phone="+91 90000 11122",
    line1="Flat 12B, Banyan Apartments",
    line2="14th Cross, Lake View",
    city="Bengaluru",
    state="Karnataka",
    postal_code="560038",
    country="IN",
)
WAREHOUSE = Party(
    name="Returns Desk", phone="+91 90000 33344", line1="Plot 7, Mill Road", city="Hosur", postal_code="635109", country="IN"
)
PARCEL = Parcel(dead_weight=Weight(1250), length=Length(300), width=Length(205), height=Length(100))
KURTA = Item(
    sku="KRT-204-M",
    description="Cotton kurta, block print",
    quantity=2,
    unit_value=Money(149900, "INR"),
    return_reason=ReturnReason.SIZE_OR_FIT,
)


def slip(**changes) -> Slip:
    plain = Slip(
        awb="1490812345678",
        carrier="Swiftline",
        service="Return surface",
        reference="RMA-1001",
        shipper=CUSTOMER,
        consignee=WAREHOUSE,
        items=(KURTA,),
        parcels=(PARCEL,),
    )
    return msgspec.structs.replace(plain, **changes)


def packing_slip(what: Slip) -> bytes:
    return printed(Paper.PACKING_SLIP, what, "pdf")


def customer(**changes) -> Party:
    return msgspec.structs.replace(CUSTOMER, **changes)


def texts(pdf: bytes) -> list[str]:
    """The text of each page on one line."""
    return [" ".join(page.get_textpage().get_text_bounded().split()) for page in pdfium.PdfDocument(pdf)]


def pictures(pdf: bytes, dpi: int = 203) -> list[Image.Image]:
    return [page.render(scale=dpi / 72).to_pil().convert("L") for page in pdfium.PdfDocument(pdf)]


def scanned(picture: Image.Image) -> set[tuple[str, str]]:
    return {(code.format.name, code.text) for code in zxingcpp.read_barcodes(picture)}


def blank(picture: Image.Image, left: float, top: float, right: float, bottom: float) -> bool:
    """Whether nothing is printed between these points."""
    scale = picture.width / 288
    lightest_and_darkest = picture.crop((int(left * scale), int(top * scale), int(right * scale), int(bottom * scale))).getextrema()
    return lightest_and_darkest == (255, 255)


def in_its_margins(picture: Image.Image) -> bool:
    edges = ((0, 0, LEFT - 2, 432), (RIGHT + 2, 0, 288, 432), (0, 0, 288, 11), (0, 425, 288, 432))
    return all(blank(picture, *edge) for edge in edges)


@pytest.mark.parametrize("dpi", [203, 300])
def test_a_scanner_reads_the_awb_and_the_reference_from_the_printed_page(dpi):
    (page,) = pictures(packing_slip(slip(simulated=True)), dpi)
    assert scanned(page) == {("Code128", "1490812345678"), ("QRCode", "RMA-1001")}


def test_each_parcel_has_its_own_page_with_its_own_measures():
    small = msgspec.structs.replace(PARCEL, dead_weight=Weight(500))
    first, second = texts(packing_slip(slip(parcels=(PARCEL, small))))
    assert ("Parcel 1 of 2" in first, "1.25 kg, 30 x 20.5 x 10 cm" in first) == (True, True)
    assert ("Parcel 2 of 2" in second, "0.5 kg, 30 x 20.5 x 10 cm" in second) == (True, True)


def test_the_page_is_four_by_six_inches():
    (page,) = pdfium.PdfDocument(packing_slip(slip()))
    assert page.get_size() == (4 * 72, 6 * 72)


def test_the_slip_says_who_what_when_and_why():
    window = Window(date=dt.date(2026, 11, 25), start=dt.time(10), end=dt.time(18), timezone="Asia/Kolkata")
    seal = QualityCheck(question="Seal unbroken?", expected="yes")
    colour = QualityCheck(question="Colour?", expected="red", mandatory=False)
    (text,) = texts(
        packing_slip(slip(window=window, quality_checks=(seal, colour), pickup_token="PRN-884", instructions="Keep the dust bag."))
    )
    assert text == (
        "RETURN PICKUP Parcel 1 of 1 Swiftline Return surface 1490812345678"
        " COLLECTION Wed 25 Nov 2026 10:00 to 18:00, Asia/Kolkata REFERENCE RMA-1001"
        " PARCEL 1.25 kg, 30 x 20.5 x 10 cm PICKUP NUMBER PRN-884"
        " FROM: CUSTOMER Meera Raghunathan Flat 12B, Banyan Apartments 14th Cross, Lake View"
        " Bengaluru 560038 Karnataka, IN +91 90000 11122"
        " TO: WAREHOUSE Returns Desk Plot 7, Mill Road Hosur 635109 IN +91 90000 33344"
        " ITEMS TO HAND OVER 2 pc Cotton kurta, block print · KRT-204-M Size or fit"
        " THE RIDER CHECKS AT THE DOOR Seal unbroken? yes Colour? red (if possible)"
        " WHAT YOU DO 1 Pack the items with tags, manuals and accessories, and leave it open: the rider looks first."
        " 2 Stick this page flat on the outside; both codes stay uncovered."
        " 3 Give it only to the rider of Swiftline, and keep a note of the number under the bars."
        " Note: Keep the dust bag. Page 1 of 1"
    )


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("damaged", "Arrived damaged"),
        ("defective", "Defective"),
        ("wrong_item", "Wrong item"),
        ("not_as_described", "Not as described"),
        ("poor_quality", "Poor quality"),
        ("size_or_fit", "Size or fit"),
        ("changed_mind", "Changed mind"),
        ("late_delivery", "Came too late"),
        ("other", "Other"),
    ],
)
def test_every_return_reason_has_its_words(reason, words):
    (text,) = texts(packing_slip(slip(items=(msgspec.structs.replace(KURTA, return_reason=ReturnReason(reason)),))))
    assert f"KRT-204-M {words} WHAT YOU DO" in text


def test_only_a_simulated_slip_says_so():
    real, simulated = (texts(packing_slip(slip(simulated=flag)))[0] for flag in (False, True))
    assert "SIMULATED" not in real
    assert simulated.count("SIMULATED") == 2  # the band under the title and the watermark
    assert "No carrier will come for this parcel." in simulated


def test_the_same_slip_gives_the_same_bytes():
    assert packing_slip(slip()) == packing_slip(slip())


def test_a_hindi_address_is_printed_and_can_be_copied():
    lines = ("श्रीमती लक्ष्मी त्रिपाठी", "मकान नं. 45, गोविन्द नगर", "बड़े हनुमान मंदिर के पास")
    (text,) = texts(packing_slip(slip(shipper=customer(name=lines[0], line1=lines[1], landmark=lines[2]))))
    assert [line for line in lines if line not in text] == []


NAMES = ("লক্ষ্মী", "ਗੁਰਪ੍ਰੀਤ", "લક્ષ્મી", "ଲକ୍ଷ୍ମୀ", "லட்சுமி", "లక్ష్మి", "ಲಕ್ಷ್ಮಿ", "ലക്ഷ്മി", "Łucja Ærø", "Ελένη", "Олена")


@pytest.mark.parametrize("name", NAMES)
def test_names_in_other_scripts_can_be_copied(name):
    (text,) = texts(packing_slip(slip(shipper=customer(name=name))))
    assert name in text


def test_a_long_reference_is_cut_visibly_and_given_in_full():
    long = "RMA-" + "7" * 90
    (text,) = texts(packing_slip(slip(reference=long)))
    assert "7…" in text
    assert long in text.split("REFERENCE, IN FULL")[1].replace(" ", "")


def test_a_long_address_is_given_in_full():
    words = [f"street{number}" for number in range(60)]
    text = " ".join(texts(packing_slip(slip(shipper=customer(line1=" ".join(words))))))
    below = text.split("FROM: CUSTOMER, IN FULL")[1]
    assert [word for word in words if word not in below.split()] == []


def test_many_items_run_on_and_none_is_lost():
    items = tuple(msgspec.structs.replace(KURTA, sku=f"SKU-{number}", description="long description " * 8) for number in range(40))
    pdf = packing_slip(slip(items=items))
    pages = texts(pdf)
    printed = " ".join(pages).split()
    assert [item.sku for item in items if item.sku not in printed] == []
    assert pages[0].endswith(f"Page 1 of {len(pages)}, continued on page 2")
    assert all(in_its_margins(picture) for picture in pictures(pdf, 72))


def test_what_parcels_have_in_common_runs_on_once():
    items = tuple(msgspec.structs.replace(KURTA, sku=f"SKU-{number}") for number in range(25))
    pages = texts(packing_slip(slip(items=items, parcels=(PARCEL, PARCEL, PARCEL))))
    assert [page.split()[2] for page in pages] == ["Parcel", "Parcel", "Parcel", "Continued"]


def test_an_awb_too_long_for_readable_bars_is_printed_in_figures_only():
    (page,) = pictures(packing_slip(slip(awb="AB1" * 11)))
    assert scanned(page) == {("QRCode", "RMA-1001")}


def test_a_slip_without_a_parcel_is_refused():
    with pytest.raises(ValueError, match="stuck on a parcel"):
        packing_slip(slip(parcels=()))


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        " ",
        "W" * 5000,
        "\x00\x07\x1b[31m\r\n\t",
        "👩‍👩‍👧‍👦🎁" * 30,
        "\u202eevil\u2066\u200f",
        "شارع الملك 12، الرياض " * 20,
        "e" + "\u0301" * 500,
        "\ud800\udfff",
        "漢字" * 200,
        "\\) Tj ET (%PDF",
        "\u0915\u094d" * 300,
    ],
)
def test_a_hostile_text_in_every_place_stays_on_the_page(hostile):
    party = Party(name=hostile, phone=hostile, line1=hostile, city=hostile, postal_code=hostile, country=hostile, company=hostile)
    item = msgspec.structs.replace(KURTA, sku=hostile, description=hostile)
    check = QualityCheck(question=hostile, expected=hostile)
    pdf = packing_slip(
        slip(
            awb=hostile,
            carrier=hostile,
            service=hostile,
            reference=hostile,
            pickup_token=hostile,
            instructions=hostile,
            shipper=party,
            consignee=party,
            items=(item,),
            quality_checks=(check,),
        )
    )
    assert all(in_its_margins(picture) for picture in pictures(pdf, 72))


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=120))
def test_no_address_line_reaches_into_the_next_column(text):
    (picture, *_) = pictures(packing_slip(slip(shipper=customer(name=text, line1=text, city=text))), 144)
    gutter = (LEFT + RIGHT) / 2
    assert blank(picture, gutter + 1.5, 190, gutter + 6, 248)
