// The pictures on our buttons, each as one path of a box of 24 by 24.

import {
  Archive, ArchiveRestore, ArrowDown, ArrowLeft, AtSign, Ban, Bell, BellOff, CalendarDays,
  ChartNoAxesColumn, Check, CheckCheck, ChevronDown, ChevronLeft, ChevronRight, ChevronUp,
  CircleAlert, Clock, Copy, Download, Ellipsis, ExternalLink, Eye, EyeOff, File, Forward,
  Globe, Hash, Image, Info, KeyRound, Keyboard, Languages, Link, ListChecks, LoaderCircle,
  Lock, LogOut, Mail, MessageCircle, MessagesSquare, Mic, Monitor, Moon, Music, Paperclip,
  Pause, Pencil, Pin, PinOff, Play, Plus, Reply, RotateCw, Search, SendHorizontal, Settings,
  Shield, Smile, SmilePlus, Square, SquarePen, Sun, Trash2, User, UserMinus, UserPlus, Users,
  Video, VolumeX, WifiOff, X,
} from "lucide";

const NAMED = {
  alert: CircleAlert, archive: Archive, at: AtSign, attach: Paperclip, back: ArrowLeft,
  ban: Ban, bell: Bell, "bell-off": BellOff, calendar: CalendarDays, chart: ChartNoAxesColumn,
  chat: MessageCircle, check: Check, checks: CheckCheck, clock: Clock, copy: Copy,
  dark: Moon, down: ArrowDown, download: Download, edit: Pencil, emoji: Smile,
  external: ExternalLink, eye: Eye, "eye-off": EyeOff, file: File, forward: Forward,
  globe: Globe, hash: Hash, image: Image, info: Info, invite: UserPlus, key: KeyRound,
  keyboard: Keyboard, kick: UserMinus, language: Languages, left: ChevronLeft, light: Sun,
  link: Link, loading: LoaderCircle, lock: Lock, logout: LogOut, mail: Mail, mic: Mic,
  more: Ellipsis, music: Music, muted: VolumeX, "new-chat": SquarePen, offline: WifiOff,
  pause: Pause, people: Users, person: User, pin: Pin, play: Play, plus: Plus, react: SmilePlus,
  reply: Reply, retry: RotateCw, right: ChevronRight, search: Search, send: SendHorizontal,
  settings: Settings, shield: Shield, stop: Square, system: Monitor, tasks: ListChecks,
  thread: MessagesSquare, trash: Trash2, unarchive: ArchiveRestore, unfold: ChevronDown,
  fold: ChevronUp, unpin: PinOff, video: Video, x: X,
};

/** The path of each picture by name. */
export const ICONS = Object.fromEntries(
  Object.entries(NAMED).map(([name, shapes]) => [name, shapes.map(path).join("")]),
);

function path([shape, a]) {
  const n = (key) => Number(a[key] ?? 0);
  switch (shape) {
    case "path":
      // A relative beginning is meant from the corner, not from where the last shape ended.
      return a.d.startsWith("m") ? `M0 0${a.d}` : a.d;
    case "line":
      return `M${a.x1} ${a.y1}L${a.x2} ${a.y2}`;
    case "polyline":
      return `M${a.points}`;
    case "polygon":
      return `M${a.points}z`;
    case "circle":
      return ellipse(n("cx"), n("cy"), n("r"), n("r"));
    case "ellipse":
      return ellipse(n("cx"), n("cy"), n("rx"), n("ry"));
    case "rect":
      return rectangle(n("x"), n("y"), n("width"), n("height"), n("rx"));
    default:
      throw new Error(`no path is made of ${shape}`);
  }
}

function ellipse(x, y, rx, ry) {
  return `M${x - rx} ${y}a${rx} ${ry} 0 1 0 ${2 * rx} 0a${rx} ${ry} 0 1 0 ${-2 * rx} 0`;
}

function rectangle(x, y, w, h, r) {
  const corner = (dx, dy) => `a${r} ${r} 0 0 1 ${dx} ${dy}`;
  const [across, down] = [w - 2 * r, h - 2 * r];
  return (
    `M${x + r} ${y}h${across}${corner(r, r)}v${down}${corner(-r, r)}` +
    `h${-across}${corner(-r, -r)}v${-down}${corner(r, -r)}z`
  );
}
