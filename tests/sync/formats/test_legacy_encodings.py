"""Texts that are not Unicode and do not say what they are."""

import pytest

from trayapp.endpoints.model import Endpoint, Response
from trayapp.sync.errors import SyncError, TransientError
from trayapp.sync.formats.text import read
from trayapp.sync.http.request import Answer

TEXTS = {
    "cp932": [
        "点検連番,型式\r\n1,2\r\n3,4\r\n",
        "処理区分,件数\r\n1,2\r\n",
        "氏名,住所\n山田太郎,東京都港区\n",
        "id,name\n" + "".join(f"{n},row {n}\n" for n in range(5000)) + "9,さくら①㈱髙島屋\n",
    ],
    "gbk": ["编号,城市\r\n1,广州市\r\n2,北京市\r\n", "姓名,地址\n张三,北京市海淀区\n李四,上海市浦东新区\n"],
    "cp1250": [
        "kód;obec\n1;Příbram Šťáhlavy\n2;Žďár\n",
        "miasto;ilość\nŁódź;5\nKraków;6\nŚwidnica;7\n",
        "név;város\nGyőr;5\nSzékesfehérvár;6\n",
        "grad;broj\nČakovec;5\nŠibenik;6\nĐurđevac;4\n",
    ],
    "cp1251": [
        "код;город\n1;Нижний Новгород\n",
        "id;name\n1;МОСКВА\n2;САНКТ-ПЕТЕРБУРГ\n",
        "Місто;x\nКиїв;1\nЛьвів;2\n",
    ],
    "koi8_r": ["код;город\n1;Москва\n2;Нижний Новгород\n"],
    "iso8859_7": ["κωδικός;πόλη\n1;Θεσσαλονίκη\n", "id;name\n1;Αθήνα\n2;Πάτρα\n"],
    "cp1252": [
        "nom;prénom\nHélène;Müller\nÇa;où\n",
        "Straße;Größe\nÄpfel;für 5 €\n",
        "namn;ort\nÅsa;Örebro\nBjörn;Malmö\n",
        "id;t\n1;5 °C\n2;it’s “x”\n",
        "stad\nZürich\nGenève\nMálaga\nSão Paulo\nKøbenhavn\n",
    ],
    "cp1254": ["şehir;ad\nİstanbul;ışık\n"],
    "big5": ["編號,城市,人口\n1,臺北市,3\n2,高雄市,4\n"],
    "cp949": ["이름,도시\n홍길동,서울특별시\n김철수,부산광역시\n"],
}


def reading(body, kind="text/csv", encoding=None):
    answer = Answer(url="http://x/t", status=200, headers={"Content-Type": kind}, body=body)
    return read(answer, Endpoint(url=answer.url, response=Response(encoding=encoding)))


@pytest.mark.parametrize(("encoding", "text"), [(name, text) for name, texts in TEXTS.items() for text in texts])
def test_an_encoding_is_found_by_the_words_and_told(encoding, text):
    found = reading(text.encode(encoding))
    same = reading(text.encode())
    assert list(found.cells) == list(same.cells)
    assert sum("response.encoding" in str(warning) for warning in found.warnings) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"id,name\n1,\x81\x8d\x8f\n2,\x90\x9d\n",
        "id,name\n1,产品\n2,苹果\n".encode("gbk"),
        "id,name\n1,caf\u00e9\n2,Zürich\n".encode() + b"3,M\xfcnchen\n",
        bytes(range(0x80, 0x100)) * 3 + b",x\n1,2\n",
    ],
    ids=["undefined in windows-1252", "Chinese or Korean", "half UTF-8", "no text"],
)
def test_what_may_be_several_is_refused_with_the_name_of_the_setting(body):
    with pytest.raises(SyncError) as error:
        reading(body)
    assert error.value.problem.field == "response.encoding"
    assert "cp932" in str(error.value.problem.next)


@pytest.mark.parametrize(
    ("said", "encoding", "text"),
    [
        ("Shift_JIS", "cp932", "番号,名\n1,髙島屋①㈱\n"),
        ("gb2312", "gb18030", "编号,名\n1,镕\n"),
        ("iso-8859-1", "cp1252", "id,name\n1,5 € – “x”\n"),
        ("iso-8859-1", "latin-1", "id,name\n1,é\n"),
        ("euc-kr", "cp949", "번호,이름\n1,펲\n"),
    ],
)
def test_a_charset_means_what_servers_mean_by_it(said, encoding, text):
    found = reading(text.encode(encoding), f"text/csv; charset={said}")
    assert list(found.cells) == list(reading(text.encode()).cells)


@pytest.mark.parametrize(
    ("body", "kind"), [("id,name\n1,é\n2,žluť\n", "text/csv"), ('[{"id": 1, "name": "é ř"}]', "application/json")]
)
@pytest.mark.parametrize("said", ["iso-8859-1", "windows-1252"])
def test_utf8_that_is_said_to_be_latin_is_read_as_utf8_and_told(body, kind, said):
    found = reading(body.encode(), f"{kind}; charset={said}")
    assert found.encoding == "utf-8"
    assert said in str(found.warnings[0])
    assert reading(body.encode(), kind, encoding="latin-1").encoding == "iso8859-1"


@pytest.mark.parametrize("kind", ["text/csv", "application/json", "application/x-ndjson"])
@pytest.mark.parametrize("end", ["é", "東", "😀"])
def test_a_text_that_ends_inside_a_character_is_cut_off(kind, end):
    body = f'[{{"id": "é{end}'.encode() if "json" in kind else f"id,name\n1,é\n2,{end}".encode()
    for missing in range(1, len(end.encode())):
        with pytest.raises(TransientError) as error:
            reading(body[:-missing], kind)
        assert error.value.problem.code == "cut_off"


def test_a_mixture_of_encodings_is_neither_cut_off_nor_read_as_one_of_them():
    with pytest.raises(SyncError) as error:
        reading("id,name\n1,é\n2,".encode() + b"\xff\n3,\xc3\xa9")
    assert error.value.problem.code == "encoding"
