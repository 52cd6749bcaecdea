extension Unicode.Scalar {
  /// Whether a file system that normalizes names may store the letter or digit as other scalars: its
  /// canonical decomposition (NFD) or composition (NFC) is not itself, or it is a mark that may change
  /// places with others. Unicode Standard Annex #15, https://www.unicode.org/reports/tr15/.
  var changesWithNormalization: Bool {
    // Those that no composition gives; Hangul's syllables, which an algorithm composes; marks.
    if properties.isFullCompositionExclusion || (0xAC00...0xD7A3).contains(value)
      || properties.canonicalCombiningClass != .notReordered
    {
      return true
    }
    let place = Self.composed.firstIndex { $0.upperBound >= value }
    return place.map { Self.composed[$0].contains(value) } ?? false
  }

  /// Letters of a base letter and a mark, in ascending order: those for which the Swift library has no
  /// property.
  private static let composed: [ClosedRange<UInt32>] = composedText.split(
    whereSeparator: \.isWhitespace
  )
  .compactMap { range in
    let ends = range.split(separator: "-").compactMap { UInt32($0, radix: 16) }
    return ends.first.flatMap { first in ends.last.map { first...$0 } }
  }

  private static let composedText = """
    C0-C5 C7-CF D1-D6 D9-DD E0-E5 E7-EF F1-F6 F9-FD FF-10F 112-125 128-130 134-137 139-13E
    143-148 14C-151 154-165 168-17E 1A0-1A1 1AF-1B0 1CD-1DC 1DE-1E3 1E6-1F0 1F4-1F5 1F8-21B
    21E-21F 226-233 386 388-38A 38C 38E-390 3AA-3B0 3CA-3CE 3D3-3D4 400-401 403 407 40C-40E 419
    439 450-451 453 457 45C-45E 476-477 4C1-4C2 4D0-4D3 4D6-4D7 4DA-4DF 4E2-4E7 4EA-4F5 4F8-4F9
    622-626 6C0 6C2 6D3 929 931 934 9CB-9CC B48 B4B-B4C B94 BCA-BCC C48 CC0 CC7-CC8 CCA-CCB
    D4A-D4C DDA DDC-DDE 1026 1B06 1B08 1B0A 1B0C 1B0E 1B12 1B3B 1B3D 1B40-1B41 1B43 1E00-1E99
    1E9B 1EA0-1EF9 1F00-1F15 1F18-1F1D 1F20-1F45 1F48-1F4D 1F50-1F57 1F59 1F5B 1F5D 1F5F-1F70
    1F72 1F74 1F76 1F78 1F7A 1F7C 1F80-1FB4 1FB6-1FBA 1FBC 1FC2-1FC4 1FC6-1FC8 1FCA 1FCC
    1FD0-1FD2 1FD6-1FDA 1FE0-1FE2 1FE4-1FEA 1FEC 1FF2-1FF4 1FF6-1FF8 1FFA 1FFC 304C 304E 3050
    3052 3054 3056 3058 305A 305C 305E 3060 3062 3065 3067 3069 3070-3071 3073-3074 3076-3077
    3079-307A 307C-307D 3094 309E 30AC 30AE 30B0 30B2 30B4 30B6 30B8 30BA 30BC 30BE 30C0 30C2
    30C5 30C7 30C9 30D0-30D1 30D3-30D4 30D6-30D7 30D9-30DA 30DC-30DD 30F4 30F7-30FA 30FE 1109A
    1109C 110AB 1112E-1112F 1134B-1134C 114BB-114BC 114BE 115BA-115BB 11938
    """
}
