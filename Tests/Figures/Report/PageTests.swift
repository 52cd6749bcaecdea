import Figures
import Foundation
import Report
import Testing

/// The page of a report as text, and what a browser's parser would find in it.
struct PageTests {
  static let markup = "</script><script>alert(1)</script>&<img src=x onerror=alert(2)>{{script}}"

  @Test func markupInNamesStaysText() throws {
    let name = Self.markup
    let heatmap = try Heatmap(
      values: [1, 0.5, 0.5, 1], rows: 2, columns: 2,
      rowAxis: .init(labels: [name, "b"], title: name, groups: [.init(name: name, range: 0..<1)]),
      columnAxis: .init(labels: ["a", name]), scoreName: "CKA")
    let table = Report.Table([.text("name"), .number("size")], rows: [[name, "1"]], caption: name)
    let plain = try page(report(title: "plain", panels: [.table(Report.Table([], rows: []))]))
    let text = try page(
      report(
        title: name,
        panels: [
          .maps(
            [.init(heatmap, name: name)],
            label: ""), .table(table),
        ]))
    // One block of numbers more than the plain page, and not one element of the names.
    #expect(count("<script", in: text) == count("<script", in: plain) + 1)
    #expect(count("</script", in: text) == count("</script", in: plain) + 1)
    #expect(!text.contains("<img"))
    #expect(text.contains("<title>&lt;/script>"))
    // The name is all there, once for each place it has, and nothing was put in its braces.
    let document = try document(of: text)
    #expect(document["title"] as? String == name)
    let axes = try #require(document["axes"] as? [[String: Any]])
    #expect(axes[0]["title"] as? String == name)
    #expect((axes[1]["labels"] as? [String])?[1] == name)
  }

  @Test func invisibleCharactersAreSpelledOut() throws {
    let text = try page(report(title: "a\u{202E}b\nc", panels: []))
    #expect(try document(of: text)["title"] as? String == "a\\u{202e}b\\nc")
  }

  @Test func thePageAsksForNothing() throws {
    let text = try page(report(title: "a", panels: []))
    #expect(text.contains("default-src 'none'"))
    // The name space of drawings is no address that is fetched.
    let addresses = text.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "")
    #expect(!addresses.contains("http:") && !addresses.contains("https:"))
    for word in ["@import", "url(", "src=", "fetch(", "XMLHttpRequest", "innerHTML"] {
      // A drawing clips by its own element.
      #expect(!text.replacingOccurrences(of: "url(#", with: "").contains(word), "\(word)")
    }
  }

  @Test func chartsKeepTheirAxesAndSpans() throws {
    let chart = try LineChart(
      panels: [
        [
          .init(
            xTitle: "layer",
            curves: [.init(points: [.init(x: 0, y: -1, spread: -2 ... -0.5), .init(x: 1, y: 3)])],
            spans: [0...0.5])
        ]
      ], rowTitles: ["score"], xScale: .linear(), yScale: .linear(-4...4))
    let document = try document(of: page(report(title: "a", panels: [.chart(chart)])))
    let section = try #require((document["sections"] as? [[String: Any]])?.first)
    let panel = try #require((section["panels"] as? [[String: Any]])?.first)
    let found = try #require(panel["chart"] as? [String: Any])
    #expect(found["xScale"] as? [String: String] == ["kind": "linear"])
    let scale = try #require(found["yScale"] as? [String: Any])
    #expect(scale["low"] as? Double == -4 && scale["high"] as? Double == 4)
    let row = try #require((found["rows"] as? [[String: Any]])?.first)
    let part = try #require((row["panels"] as? [[String: Any]])?.first)
    #expect(part["spans"] as? [[Double]] == [[0, 0.5]])
    let curve = try #require((part["curves"] as? [[String: Any]])?.first)
    #expect(curve["points"] as? [[Double]] == [[0, -1, -2, -0.5], [1, 3]])
  }

  @Test func picturesAreInThePage() throws {
    let svg = Array("<svg xmlns='http://www.w3.org/2000/svg'/>".utf8)
    let text = try page(
      report(title: "a", panels: [.picture(svg: svg, description: "a \"quoted\" <b>")]))
    let address = "data:image/svg+xml;base64,\(Data(svg).base64EncodedString())"
    #expect(text.contains("\"picture\":\"\(address)\""))
    #expect(!text.contains("<b>"))
  }

  @Test func numbersAreFloat32AsLongAsTheyAreFew() throws {
    let values = [0.1, -0.25, .nan, 1]
    let text = try page(report(title: "a", panels: [.maps([try map(values, 2)], label: "")]))
    let found = try numbers(0, of: text) { (bits: UInt32) in
      Double(Float(bitPattern: UInt32(littleEndian: bits)))
    }
    #expect(found.count == 4)
    for (value, other) in zip(values, found) {
      // Half a step of 24 bits.
      #expect(value.isNaN ? other.isNaN : abs(value - other) <= abs(value) * 0x1p-24)
    }
  }

  /// Two maps of as many cells as a page may have, and the largest page that follows.
  @Test func manyNumbersTakeTwoBytesEach() throws {
    let side = Int(Double(Report.mostCells / 2).squareRoot())
    var values = (0..<side * side).map { Double($0) / Double(side * side) * 1.3 - 0.3 }
    values[5] = .nan
    let one = try map(values, side)
    let bytes = try report(title: "a", panels: [.maps([one, one], label: "map")]).page()
    #expect(bytes.count < 15_000_000)
    let text = String(decoding: bytes, as: UTF8.self)
    let found = try numbers(1, of: text) { (code: UInt16) in Int(UInt16(littleEndian: code)) }
    #expect(found.count == side * side)
    let least = values[0]
    let most = values[side * side - 1]
    for index in stride(from: 0, to: found.count, by: 997) {
      let value = least + Double(found[index]) * (most - least) / 65534
      // Half a step.
      #expect(abs(value - values[index]) <= (most - least) / 65534 * 0.500001)
    }
    #expect(found[5] == 65535)
  }

  @Test func fiveHundredSeventySixLayersStayBelow15MB() throws {
    let count = 576 * 576
    let values = (0..<count).map { Double($0 * 7919 % count) / Double(count) }
    var map = try map(values, 576)
    map.extras = [("z", values.map { $0 * 100 })]
    map.statuses = (0..<count).map { $0 % 7 == 0 ? "constant" : "ok" }
    let bytes = try report(title: "a", panels: [.maps([map], label: "")]).page()
    // 4 + 4 + 1 bytes a cell in base64, and 100 kB of page.
    #expect(bytes.count < count * 9 * 4 / 3 + 100_000)
  }

  @Test func theSameReportHasTheSameBytes() throws {
    let map = try map([1, 0.5, .nan, 1], 2, statuses: ["ok", "ok", "constant", "non-finite"])
    func make() throws -> [UInt8] {
      try report(title: "a", panels: [.maps([map, map], label: "model")]).page()
    }
    #expect(try make() == make())
  }

  @Test func axesAreWrittenOnce() throws {
    let map = try map([1, 0.5, 0.5, 1], 2)
    let text = try page(report(title: "a", panels: [.maps([map, map, map], label: "model")]))
    #expect((try document(of: text)["axes"] as? [Any])?.count == 1)
  }

  @Test func theColorsAreThoseOfThePictures() throws {
    let colors = try #require(
      document(of: page(report(title: "a", panels: [])))["colors"] as? [String: Any])
    let map = try #require(colors["map"] as? [String])
    #expect(map.count == ColorMap.magma.count)
    for (index, digits) in map.enumerated() {
      let color = ColorMap.magma.color(at: (Double(index) + 0.5) / Double(map.count))
      #expect(digits == String(format: "%02x%02x%02x", color.red, color.green, color.blue))
    }
  }

  private func report(title: String, panels: [Report.Panel]) -> Report {
    Report(
      title: title, facts: [.init("examples", "512")], sections: [.init("Part", panels: panels)],
      footer: "made by a test")
  }

  private func map(
    _ values: [Double], _ side: Int, statuses: [String]? = nil
  ) throws -> Report.Map {
    Report.Map(
      try Heatmap(
        values: values, rows: side, columns: side, range: -1...1, scoreName: "CKA"), name: "",
      statuses: statuses)
  }

  private func page(_ report: Report) throws -> String {
    String(decoding: try report.page(), as: UTF8.self)
  }

  /// What the page's script reads.
  private func document(of page: String) throws -> [String: Any] {
    let start = try #require(page.range(of: "<script type=\"application/json\" id=\"report\">"))
    let end = try #require(page[start.upperBound...].range(of: "</script>"))
    let json = Data(page[start.upperBound..<end.lowerBound].utf8)
    return try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
  }

  /// The numbers of a block.
  private func numbers<Code, Number>(
    _ id: Int, of page: String, _ number: (Code) -> Number
  ) throws -> [Number] {
    let start = try #require(page.range(of: "id=\"numbers-\(id)\">"))
    let end = try #require(page[start.upperBound...].range(of: "</script>"))
    let data = try #require(
      Data(base64Encoded: String(page[start.upperBound..<end.lowerBound])))
    return data.withUnsafeBytes { bytes in
      (0..<bytes.count / MemoryLayout<Code>.stride).map { index in
        number(
          bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Code>.stride, as: Code.self))
      }
    }
  }

  private func count(_ part: String, in text: String) -> Int {
    text.components(separatedBy: part).count - 1
  }
}
