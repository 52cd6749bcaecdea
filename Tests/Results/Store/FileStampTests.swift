import Foundation
import TestSupport
import Testing

@testable import SweepStore

/// Times of files, as models remember them.
@Suite struct FileStampTests {
  /// Years that nanoseconds in 64 bits do not reach once ended a sweep.
  @Test(arguments: [Int64.min, -70_000_000_000, -1, 0, 9_223_372_036, 9_223_372_037, .max])
  func anyTimeIsKept(seconds: Int64) throws {
    for nanoseconds in [0, 1, 999_999_999] {
      let time = FileTime(timespec(tv_sec: Int(seconds), tv_nsec: nanoseconds))
      let data = try JSONEncoder().encode([time])
      #expect(try JSONDecoder().decode([FileTime].self, from: data) == [time])
      #expect(time.age.isFinite)
    }
  }

  /// As all stores hold them that are there.
  @Test func timesInReachAreNanoseconds() throws {
    let times = [
      FileTime(timespec(tv_sec: 1_790_000_000, tv_nsec: 5)),
      FileTime(timespec(tv_sec: -2, tv_nsec: 999_999_999)),
    ]
    let text = String(decoding: try JSONEncoder().encode(times), as: UTF8.self)
    #expect(text == "[1790000000000000005,-1000000001]")
    for text in ["[[1]]", "[[1,1000000000]]", "[[1,-1]]", "[\"x\"]", "[1e308]", "[null]"] {
      #expect(throws: DecodingError.self) {
        try JSONDecoder().decode([FileTime].self, from: Data(text.utf8))
      }
    }
  }

  /// Files from the year 2300, or of before 1970, are swept and known again.
  @Test(arguments: [10_413_792_000, -1_000_000_000]) func sweepsFilesOfAnyYear(seconds: Int)
    throws
  {
    let study = try Study()
    let model = try study.write("m", seed: 1)
    for name in try StorePath.contents(model) {
      var times = [
        timespec(tv_sec: seconds, tv_nsec: 7), timespec(tv_sec: seconds, tv_nsec: 7),
      ]
      try #require(utimensat(AT_FDCWD, "\(model)/\(name)", &times, 0) == 0)
    }
    #expect(try study.sweep("store", [model]).gramsMade == 3)
    #expect(try study.sweep("store", [model]).gramsFound == 3)
    #expect(study.notes.isEmpty)
    #expect(try study.results("store").models.count == 1)
  }
}
