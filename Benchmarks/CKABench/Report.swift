import CommandSupport
import Device
import Foundation

/// The figures of all devices, as a table and as JSON.
struct Report: Codable {
  struct Row: Codable {
    let device: DeviceInfo
    /// Seconds of the whole comparison: median, least and most.
    let wall: Double
    let leastWall: Double
    let mostWall: Double
    /// Seconds by stage, medians. Stages may overlap.
    let read: Double
    let transfer: Double
    let gram: Double
    let pairs: Double
    /// Useful operations (each triangle once) a second.
    let gigaflops: Double
    let fractionOfPeak: Double
    /// Of CKA against float64.
    let error: Double?
  }

  var format = "cka-bench/1"
  let workload: String
  let batchSize: Int
  let peak: Peak
  let rows: [Row]

  var table: String {
    var table = TextTable([
      ("device", .left), ("name", .left), ("read", .right), ("transfer", .right), ("gram", .right),
      ("pairs", .right), ("total", .right), ("least … most", .right), ("GFLOP/s", .right),
      ("of sgemm peak", .right), ("error", .right),
    ])
    for row in rows {
      table.add([
        row.device.id, row.device.name, Format.seconds(row.read),
        row.transfer > 0 ? Format.seconds(row.transfer) : "–", Format.seconds(row.gram),
        Format.seconds(row.pairs), Format.seconds(row.wall),
        "\(Format.seconds(row.leastWall)) … \(Format.seconds(row.mostWall))",
        Format.fixed(row.gigaflops, 1), Format.fixed(100 * row.fractionOfPeak, 0) + " %",
        row.error.map(Format.scientific) ?? "–",
      ])
    }
    return table.text
  }

  func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try replaceFile(Array(try encoder.encode(self)), at: path, called: path)
  }
}
