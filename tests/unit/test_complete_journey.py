"""The Complete Journey is read under the import's rules, and agrees with an independent query."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from cli.complete_journey import check, naming, source
from cli.complete_journey.reader import CompleteJourney, open_complete_journey
from cli.complete_journey.records import Basket, BasketLine, LeftOutReason, Store

FIXTURE = Path(__file__).parents[1] / "fixtures" / "complete_journey"
NOON = "2017-06-01 16:00:00"
"""Noon by the shop's clock: New York is four hours behind UTC in summer."""

Sale = tuple[int, int, int, float]
"""Basket, product, quantity, dollars."""


def write_data(folder: Path, *sales: Sale, products: int = 3, at: str = NOON) -> Path:
    """Write a data set with these sales by household 1 in store 7; products count from 1."""
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE transactions (household_id BIGINT, store_id BIGINT, basket_id BIGINT,"
            " product_id BIGINT, quantity BIGINT, sales_value DOUBLE,"
            " transaction_timestamp TIMESTAMP)"
        )
        connection.executemany(
            f"INSERT INTO transactions VALUES (1, 7, ?, ?, ?, ?, TIMESTAMP '{at}')", sales
        )
        connection.execute(
            "CREATE TABLE products AS SELECT range AS product_id, 69 AS manufacturer_id,"
            " 'GROCERY' AS department, 'Private' AS brand, 'YOGURT' AS product_category,"
            " 'YOGURT NOT MULTI-PACKS' AS product_type, '6 OZ' AS package_size"
            f" FROM range(1, {products + 1})"
        )
        connection.execute(
            "CREATE TABLE demographics (household_id BIGINT, age VARCHAR, income VARCHAR,"
            " home_ownership VARCHAR, marital_status VARCHAR, household_size VARCHAR,"
            " household_comp VARCHAR, kids_count VARCHAR)"
        )
        for table in source.TABLES:
            # Of campaigns and coupons nothing is read here, but the files must be there.
            connection.execute(f"CREATE TABLE IF NOT EXISTS {table} (household_id BIGINT)")
            connection.execute(f"COPY {table} TO '{folder / table}.parquet' (FORMAT parquet)")
    return folder


def all_baskets(journey: CompleteJourney, *, first: int | None = None) -> list[Basket]:
    return [basket for batch in journey.baskets(first=first) for basket in batch]


def price_of_first(folder: Path) -> int:
    """Return the first product's price, having asked the reader and the independent query."""
    with open_complete_journey(folder) as journey:
        price = next(journey.products())[0].price_fen
    assert check.prices(folder)[1] == price
    return price


def test_the_price_is_the_most_frequent_unit_price(tmp_path: Path) -> None:
    folder = write_data(tmp_path, (1, 1, 1, 0.99), (2, 1, 1, 1.29), (3, 1, 3, 2.97))
    assert price_of_first(folder) == 99


def test_of_equally_frequent_prices_the_highest_counts(tmp_path: Path) -> None:
    folder = write_data(
        tmp_path, (1, 1, 1, 0.99), (2, 1, 1, 1.29), (3, 1, 2, 2.58), (4, 1, 2, 1.98)
    )
    assert price_of_first(folder) == 129


def test_a_unit_price_is_rounded_half_up(tmp_path: Path) -> None:
    assert price_of_first(write_data(tmp_path, (1, 1, 2, 2.01))) == 101


def test_a_unit_price_below_half_a_fen_is_one_fen(tmp_path: Path) -> None:
    assert price_of_first(write_data(tmp_path, (1, 1, 52, 0.12))) == 1


def test_a_product_never_sold_gets_the_median_of_its_kind(tmp_path: Path) -> None:
    folder = write_data(tmp_path, (1, 1, 1, 1.00), (1, 2, 1, 3.00), (1, 3, 1, 9.00), products=4)
    with open_complete_journey(folder) as journey:
        products = next(journey.products())
    assert [(p.id, p.price_fen, p.is_sold) for p in products] == [
        (1, 100, True),
        (2, 300, True),
        (3, 900, True),
        (4, 300, False),
    ]
    assert 4 not in check.prices(folder)


def test_products_are_ranked_by_receipts(tmp_path: Path) -> None:
    folder = write_data(tmp_path, (1, 2, 9, 9.00), (2, 3, 1, 1.00), (3, 3, 1, 2.00))
    with open_complete_journey(folder) as journey:
        assert [product.rank for product in next(journey.products())] == [3, 2, 1]


def test_lines_that_are_no_shopping_are_left_out_and_counted(tmp_path: Path) -> None:
    folder = write_data(
        tmp_path,
        (1, 1, 1, 0.50),
        (1, 2, 0, 0.00),
        (1, 3, 100, 5.00),
        (2, 1, 1, 0.00),
        (2, 9, 1, 1.00),
        (3, 1, 99, 49.50),
    )
    with open_complete_journey(folder) as journey:
        summary = journey.summary()
        baskets = all_baskets(journey)
    assert summary.left_out == {
        LeftOutReason.QUANTITY_ZERO: 1,
        LeftOutReason.QUANTITY_OVER_99: 1,
        LeftOutReason.WITHOUT_VALUE: 1,
        LeftOutReason.UNKNOWN_PRODUCT: 1,
    }
    assert (summary.lines, summary.lines_in) == (6, 2)
    assert (summary.baskets, summary.baskets_with_lines) == (3, 2)
    assert [(basket.id, basket.lines) for basket in baskets] == [
        (1, (BasketLine(product_id=1, quantity=1, price_fen=50),)),
        (3, (BasketLine(product_id=1, quantity=99, price_fen=50),)),
    ]
    assert check.takings(folder) == check.Takings(
        baskets=2, orders=2, lines=2, pieces=100, fen=5000
    )


def test_a_basket_over_100_lines_is_split(tmp_path: Path) -> None:
    sales = [(1, product, 1, 1.00) for product in range(1, 202)]
    folder = write_data(tmp_path, *sales, (2, 1, 1, 1.00), products=201)
    with open_complete_journey(folder) as journey:
        parts = all_baskets(journey)
        assert journey.summary().baskets_split == 1
        assert all_baskets(journey, first=1) == parts[:3]
    assert [(part.id, part.part, len(part.lines)) for part in parts] == [
        (1, 1, 100),
        (1, 2, 100),
        (1, 3, 1),
        (2, 1, 1),
    ]
    assert parts[1].lines[0].product_id == 101
    assert check.takings(folder).orders == 4


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("2017-01-02 01:30:00", "2017-01-01 12:30"),  # 20:30 in New York, 20:30 in Shanghai.
        ("2017-03-12 06:59:59", "2017-03-11 17:59"),
        ("2017-03-12 07:00:00", "2017-03-11 19:00"),
        ("2017-06-01 16:00:00", "2017-06-01 04:00"),
        ("2017-11-05 05:59:59", "2017-11-04 17:59"),
        ("2017-11-05 06:00:00", "2017-11-04 17:00"),
    ],
)
def test_a_basket_keeps_its_clock_time(tmp_path: Path, written: str, shown: str) -> None:
    folder = write_data(tmp_path, (1, 1, 1, 1.00), at=written)
    with open_complete_journey(folder) as journey:
        at = all_baskets(journey)[0].at
    assert at.tzinfo is UTC
    assert at.strftime("%Y-%m-%d %H:%M") == shown


def test_names_are_fit_to_show(tmp_path: Path) -> None:
    with open_complete_journey(write_data(tmp_path, (1, 1, 1, 1.00))) as journey:
        product = next(journey.products())[0]
        names = {category.id: category.name for category in journey.categories()}
        assert journey.stores() == [Store(id=7)]
    assert product.name == "Yogurt Not Multi-Packs 6 OZ"
    assert product.subtitle == "自有品牌 · 6 OZ"
    assert product.keywords == "食品杂货 酸奶 自有品牌"
    assert product.weight_grams == 170
    assert [names[category_id] for category_id in product.category_ids] == [
        "食品杂货",
        "酸奶",
        "Yogurt Not Multi-Packs",
    ]


@pytest.mark.parametrize(
    ("shorthand", "shown"),
    [
        ("FRZN JCE CONC/DRNKS", "Frozen Juice Concentrate/Drinks"),
        ("SOFT DRINKS CAN NON-CARB (EXCE", "Soft Drinks Can Non-Carbonated"),
        ("FEM. HYGN. TAMPONS", "Feminine Hygiene Tampons"),
        ("CHRISTMAS  SEASONAL", "Christmas Seasonal"),
        ("BBQ SAUCE", "BBQ Sauce"),
        ("CANDY BARS (MULTI PACK)", "Candy Bars (Multi Pack)"),
    ],
)
def test_shorthand_is_written_out(shorthand: str, shown: str) -> None:
    assert naming.tidy(shorthand) == shown


@pytest.mark.parametrize(
    ("size", "grams"),
    [
        ("6 OZ", 170),
        (".9 OZ", 26),
        ("2 L", 2000),
        ("1.5 LB", 680),
        ("1 CT", 0),
        ("83718713 OZ", 0),
        (None, 0),
    ],
)
def test_a_package_size_tells_a_weight(size: str | None, grams: int) -> None:
    assert naming.weight_grams(size) == grams


def test_the_fixture_agrees_with_the_independent_query() -> None:
    with open_complete_journey(FIXTURE) as journey:
        summary = journey.summary()
        baskets = all_baskets(journey)
        products = [product for batch in journey.products() for product in batch]
        households = journey.households()
        stores = journey.stores()
    takings = check.takings(FIXTURE)
    assert takings == check.Takings(
        baskets=1908, orders=1911, lines=26670, pieces=36337, fen=8544221
    )
    assert sum(basket.amount_fen for basket in baskets) == takings.fen
    assert sum(len(basket.lines) for basket in baskets) == takings.lines == summary.lines_in
    assert len(baskets) == takings.orders
    assert len({basket.id for basket in baskets}) == takings.baskets == summary.baskets_with_lines
    assert {p.id: p.price_fen for p in products if p.is_sold} == check.prices(FIXTURE)
    assert check.counts(FIXTURE) == {
        "products": len(products),
        "stores": len(stores),
        "members": len(households),
    }
    assert summary.left_out == {
        LeftOutReason.QUANTITY_ZERO: 165,
        LeftOutReason.QUANTITY_OVER_99: 66,
        LeftOutReason.WITHOUT_VALUE: 42,
        LeftOutReason.UNKNOWN_PRODUCT: 2,
    }
    assert sum(summary.left_out.values()) == summary.lines - summary.lines_in
    assert sum(household.demographics is not None for household in households) == 15


@pytest.mark.parametrize("first", [1, 20, 700])
def test_the_first_baskets_agree_too(first: int) -> None:
    with open_complete_journey(FIXTURE) as journey:
        baskets = all_baskets(journey, first=first)
    takings = check.takings(FIXTURE, first=first)
    assert takings.baskets == len({basket.id for basket in baskets}) == first
    assert takings.orders == len(baskets)
    assert takings.fen == sum(basket.amount_fen for basket in baskets)


def test_baskets_come_in_time_order_and_complete_categories() -> None:
    with open_complete_journey(FIXTURE) as journey:
        baskets = all_baskets(journey)
        categories = journey.categories()
        used = {c for batch in journey.products() for p in batch for c in p.category_ids}
    assert baskets == sorted(baskets, key=lambda basket: (basket.at, basket.id, basket.part))
    assert baskets[0].at == datetime(2017, 1, 1, 4, 47, 37, tzinfo=UTC)
    seen: set[str] = set()
    for category in categories:
        assert category.parent_id is None or category.parent_id in seen
        seen.add(category.id)
    assert used == seen


def test_the_reader_may_be_asked_twice() -> None:
    with open_complete_journey(FIXTURE) as journey:
        started = journey.products()
        next(started)
        assert all_baskets(journey, first=3) == all_baskets(journey, first=3)
        assert len(next(started)) == 2000


def test_a_folder_without_the_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(source.DataSetMissing, match=r"holds no products\.parquet"):
        source.data_folder(tmp_path)


def test_a_missing_package_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "find_spec", lambda _name: None)
    with pytest.raises(source.DataSetMissing, match="make setup-import"):
        source.data_folder()


def test_a_missing_parquet_reader_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(source.DataSetMissing, match="make setup-import"):
        source.connect(FIXTURE)
