/// Marc Lehmann's LZF, in which h5py packs chunks with `compression="lzf"`.
///
/// A byte below 32 is followed by that many bytes and one more, as they are. In any other, the upper
/// three bits say how many bytes come again, less two; 7 stands for 7 and what the next byte says. The
/// lower five bits and the next byte say how far back they begin, less one:
/// http://oldhome.schmorp.de/marc/liblzf.html, lzf_d.c.
enum LZF {
  /// Three bytes stand for 7 + 255 + 2.
  static let largestRatio = 88

  /// Expands all of `input`. Returns how many bytes of `output` it fills; nil where `input` ends too
  /// early, `output` has no room for it, or it refers to bytes before its first.
  static func expand(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) -> Int? {
    var (read, written) = (0, 0)
    while read < input.count {
      let control = Int(input[read])
      read += 1
      if control < 32 {
        let count = control + 1
        guard count <= input.count - read, count <= output.count - written else { return nil }
        UnsafeMutableRawBufferPointer(rebasing: output[written..<(written + count)])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: input[read..<(read + count)]))
        read += count
        written += count
        continue
      }
      var count = control >> 5
      if count == 7 {
        guard read < input.count else { return nil }
        count += Int(input[read])
        read += 1
      }
      count += 2
      guard read < input.count else { return nil }
      let distance = (control & 31) << 8 + Int(input[read]) + 1
      read += 1
      guard distance <= written, count <= output.count - written else { return nil }
      // Byte by byte: they may overlap, and what was just written then comes again.
      for place in written..<(written + count) { output[place] = output[place - distance] }
      written += count
    }
    return written
  }
}
